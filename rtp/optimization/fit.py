"""Fitting the ranker: LambdaMART on baskets, then a sigmoid that makes its margins probabilities."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from rtp.decisioning.catalog import Floats
from rtp.decisioning.vector import FEATURES, chosen
from rtp.optimization.examples import Rows


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is fitted; chosen on baskets that no figure is reported on."""

    objective: str = "rank:ndcg"
    rounds: int = 150
    learning_rate: float = 0.1
    max_depth: int = 6
    min_child_weight: float = 20.0
    subsample: float = 0.8
    colsample_bytree: float = 0.7
    reg_lambda: float = 5.0
    lambdarank_num_pair_per_sample: int = 10
    negatives: int = 60
    groups: int = 4_000
    seed: int = 7
    threads: int = 0
    """0 is all cores."""


def fit(rows: Rows, settings: Settings, features: tuple[str, ...] = FEATURES) -> Any:
    """An xgboost.Booster whose margins rank candidates by these columns of the rows."""
    import xgboost

    taken = chosen(rows.matrix, features)
    data = xgboost.QuantileDMatrix(taken, label=rows.label, group=rows.sizes, feature_names=list(features))
    parameters: dict[str, Any] = {
        "objective": settings.objective,
        "tree_method": "hist",
        "eta": settings.learning_rate,
        "max_depth": settings.max_depth,
        "min_child_weight": settings.min_child_weight,
        "subsample": settings.subsample,
        "colsample_bytree": settings.colsample_bytree,
        "lambda": settings.reg_lambda,
        "seed": settings.seed,
        "nthread": settings.threads,
    }
    if settings.objective.startswith("rank:"):
        parameters |= {
            "lambdarank_pair_method": "topk",
            "lambdarank_num_pair_per_sample": settings.lambdarank_num_pair_per_sample,
        }
    return xgboost.train(parameters, data, num_boost_round=settings.rounds)


def margins(booster: Any, matrix: Floats) -> Floats:
    """What serving computes before calibration."""
    return np.asarray(booster.inplace_predict(matrix, predict_type="margin", validate_features=False), np.float32)


def calibrate(margin: Floats, label: npt.NDArray[Any], *, steps: int = 50) -> tuple[float, float]:
    """Platt's (a, b) by Newton's method, with his smoothed targets: probability = 1/(1+exp(-(a·margin+b)))."""
    positives = float(label.sum())
    negatives = len(label) - positives
    target = np.where(label > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.stack([margin.astype(np.float64), np.ones(len(margin))], axis=1)
    weights = np.array([1.0, np.log((positives + 1) / (negatives + 1))])
    for _ in range(steps):
        said = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (said - target)
        hessian = (design * (said * (1 - said))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[0]), float(weights[1])


def importance(booster: Any) -> dict[str, float]:
    """Share of the total gain that each feature brought, most first."""
    gain = booster.get_score(importance_type="total_gain")
    total = sum(gain.values()) or 1.0
    return {name: float(value / total) for name, value in sorted(gain.items(), key=lambda item: -item[1])}
