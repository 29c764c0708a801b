"""Probabilities: from the model, or without one from plain frequency."""

from typing import Any, Protocol

import msgspec
import numpy as np

from rtp.decisioning.catalog import Floats
from rtp.decisioning.vector import COLUMN, chosen
from rtp.errors import Fatal


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is written beside a model."""

    version: str
    objective: str
    features: tuple[str, ...]
    """The columns of the vector that it takes, in its order."""
    calibration: tuple[float, float]
    """(a, b): probability = 1 / (1 + exp(-(a·margin + b))), fitted on baskets the model did not see (Platt 1999)."""
    trained_at: int
    """Microseconds since 1970 UTC."""
    window: dict[str, str]
    """The periods of sales it learned from and was judged on."""
    parameters: dict[str, Any]
    metrics: dict[str, float]
    baseline: dict[str, float]
    rows: int
    groups: int
    importance: dict[str, float] = {}
    calibration_bins: list[tuple[float, float, int]] = []
    """(mean probability, share that came true, rows) of ten equally full bins."""
    catalog_version: str = ""
    library: str = ""

    @property
    def passes(self) -> bool:
        """The gate: better than the customer's own frequency beyond doubt in recall, and no worse in order."""
        gains = self.metrics
        return gains.get("recall@10_gain_low", 0.0) > 0 and gains.get("ndcg@10_gain", 0.0) > 0

    @property
    def verdict(self) -> str:
        """The gate's answer in words."""
        gain, low, high = (self.metrics.get(f"recall@10_gain{end}", 0.0) for end in ("", "_low", "_high"))
        said = "beats" if self.passes else "does not beat"
        return f"Recall@10 {said} own frequency: {gain:+.4f} (95 % interval {low:+.4f} to {high:+.4f})"


class Booster(Protocol):
    """The part of xgboost.Booster that scoring needs."""

    def inplace_predict(self, data: Floats, *, predict_type: str, validate_features: bool) -> Floats:
        """Raw margins, one a row."""
        ...


class Ranker(msgspec.Struct, frozen=True):
    """A model and its manifest. Set to one thread: with more, waiting for each other costs more than the work."""

    booster: Booster
    manifest: Manifest

    @property
    def version(self) -> str:
        """The model's version."""
        return self.manifest.version

    def probabilities(self, matrix: Floats) -> Floats:
        """Probability that the next basket holds each candidate; `matrix` has all columns of FEATURES."""
        wanted = chosen(matrix, self.manifest.features)
        return self.said(self.booster.inplace_predict(wanted, predict_type="margin", validate_features=False))

    def said(self, margin: Floats) -> Floats:
        """The probabilities that margins stand for."""
        return calibrated(np.asarray(margin), *self.manifest.calibration)


def calibrated(margin: Floats, a: float, b: float) -> Floats:
    """Platt's sigmoid."""
    return np.asarray(1 / (1 + np.exp(-(a * margin.astype(np.float64) + b))), np.float32)


def refuse_other_features(manifest: Manifest) -> None:
    """Raises Fatal if a model wants a feature that this program does not make."""
    unknown = [name for name in manifest.features if name not in COLUMN]
    if unknown or not manifest.features:
        raise Fatal(
            f"Model {manifest.version} was trained on features that this version does not compute: "
            f"{', '.join(unknown) or 'none'}.",
            hint="Train again: rtp build, or the Dagster job retrain.",
        )


def by_frequency(matrix: Floats) -> Floats:
    """Without a model: the share of the customer's baskets that held it; after that what sells."""
    own = np.nan_to_num(matrix[:, COLUMN["own_rate"]])
    return np.asarray(np.maximum(own, 0.1 * by_context(matrix)), np.float32)


def by_context(matrix: Floats) -> Floats:
    """Without a customer: share of the store's baskets (else of all sales), or how well it goes with the context."""
    here = matrix[:, COLUMN["store_share"]]
    everywhere = matrix[:, COLUMN["product_popularity"]]
    share = np.where(np.isnan(here), everywhere, np.maximum(here, 0.01 * everywhere))
    return np.asarray(np.fmax(share, matrix[:, COLUMN["context"]]), np.float32)
