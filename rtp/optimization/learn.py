"""Learning a ranker from examples: candidates, their vectors, what was bought of them; then its calibration."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from rtp.decisioning.candidates import candidates
from rtp.decisioning.catalog import Catalog
from rtp.decisioning.live_columns import learnable
from rtp.decisioning.vector import FEATURES, chosen, vectors
from rtp.errors import Rejected
from rtp.optimization.examples import Example, rows
from rtp.optimization.fit import Settings, calibrate, fit, margins

CALIBRATION_SHARE = 0.15
FEWEST_EXAMPLES = 30
FEWEST_WATCHED = 0.2
"""Share of rows in which a live feature must be known to be learned from."""


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """A booster as fitted."""

    booster: Any
    features: tuple[str, ...]
    """The columns it takes."""
    calibration: tuple[float, float]
    """Fitted on baskets it did not see."""
    rows: int
    groups: int


def learn(catalog: Catalog, teaching: Sequence[Example], settings: Settings) -> Learned:
    """Fits on most of the examples, calibrates on the others."""
    kept = int(len(teaching) * (1 - CALIBRATION_SHARE))
    order = np.random.default_rng(settings.seed).permutation(len(teaching))
    fitted = rows(catalog, [teaching[at] for at in order[:kept]], negatives=settings.negatives, seed=settings.seed)
    if len(fitted.sizes) < FEWEST_EXAMPLES:
        raise Rejected(
            f"Only {len(fitted.sizes)} baskets can be learned from.", reason="TOO_FEW_SALES",
            hint=f"At least {FEWEST_EXAMPLES} are needed; load a longer history.",
        )  # fmt: skip
    features = learnable(fitted.matrix, FEATURES, share=FEWEST_WATCHED)
    booster = fit(fitted, settings, features)
    margin, label = scored(catalog, [teaching[at] for at in order[kept:]], booster, features)
    return Learned(
        booster=booster,
        features=features,
        calibration=calibrate(margin, label),
        rows=len(fitted.label),
        groups=len(fitted.sizes),
    )


def scored(catalog: Catalog, found: Sequence[Example], booster: Any, features: tuple[str, ...]) -> tuple[Any, Any]:
    """Margins and outcomes of every candidate of these examples."""
    margin, label = [], []
    for example in found:
        come = candidates(catalog, example.habits, example.context)
        matrix = vectors(catalog, example.habits, come, example.context)
        margin.append(margins(booster, chosen(matrix, features)))
        label.append(np.isin(come.product, example.truth))
    return np.concatenate(margin), np.concatenate(label).astype(np.float32)
