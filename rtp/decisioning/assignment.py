"""Which variation of each experiment a customer is in: the same in every channel, without storing it."""

import hashlib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from rtp.decisioning.decision import Assignment
from rtp.yaml_config import mistake, read_config

BUCKETS = 10_000


class Variation(msgspec.Struct, frozen=True, kw_only=True):
    """One arm."""

    id: str
    weight: Annotated[float, Meta(gt=0)] = 1.0


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment; another `salt` draws anew."""

    id: str
    salt: str = ""
    enabled: bool = True
    variations: list[Variation]


class Experiments(msgspec.Struct, frozen=True, kw_only=True):
    """config/experiments.yaml."""

    experiments: list[Experiment] = []

    @property
    def version(self) -> str:
        """Digest of the content; "none" without experiments."""
        if not self.experiments:
            return "none"
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]


def load_experiments(path: Path) -> Experiments:
    """The experiments, none if there is no file; raises Fatal with file, line and what to mend."""
    if not path.exists():
        return Experiments()
    found = read_config(path, Experiments)
    ids = [experiment.id for experiment in found.experiments]
    for index, experiment in enumerate(found.experiments):
        if experiment.id in ids[:index]:
            raise mistake(path, ["experiments", index, "id"], f"the experiment {experiment.id!r} is there twice.")
        if len(experiment.variations) < 2:
            raise mistake(path, ["experiments", index, "variations"], "an experiment compares at least two variations.")
    return found


def assign(experiments: Experiments, customer_id: str | None) -> list[Assignment]:
    """The customer's variation of each running experiment; none for somebody unknown."""
    if customer_id is None:
        return []
    return [
        Assignment(experiment_id=experiment.id, variation_id=variation_of(experiment, customer_id))
        for experiment in experiments.experiments
        if experiment.enabled
    ]


def variation_of(experiment: Experiment, customer_id: str) -> str:
    """Drawn by hash: even, independent between experiments, and the same for ever."""
    text = f"{experiment.salt or experiment.id}:{customer_id}".encode()
    bucket = int.from_bytes(hashlib.sha256(text).digest()[:8]) % BUCKETS
    reach, total = 0.0, sum(variation.weight for variation in experiment.variations)
    for variation in experiment.variations:
        reach += variation.weight / total * BUCKETS
        if bucket < reach:
            return variation.id
    return experiment.variations[-1].id
