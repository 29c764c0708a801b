"""How good rankings are: Recall@10 and NDCG@10 a household, calibration, and whether a difference is one."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from rtp.decisioning.catalog import Floats, Ints

TOP = 10
DRAWS = 2_000
Doubles = npt.NDArray[np.float64]


class Scores(msgspec.Struct, frozen=True):
    """One figure a household."""

    recall: Doubles
    ndcg: Doubles

    def means(self) -> dict[str, float]:
        """Averages over households."""
        return {"recall@10": float(self.recall.mean()), "ndcg@10": float(self.ndcg.mean())}


class Difference(msgspec.Struct, frozen=True):
    """How much better one ranking is than another on the same households, with its 95 % interval."""

    mean: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        """Whether the interval lies above zero."""
        return self.low > 0


def judged(rankings: Sequence[Ints], truths: Sequence[Ints]) -> Scores:
    """Scores of rankings (best first) against what was bought; NDCG's ideal fills min(10, |truth|) places."""
    discount = 1 / np.log2(np.arange(2, TOP + 2))
    recall, ndcg = np.zeros(len(truths)), np.zeros(len(truths))
    for row, (ranking, truth) in enumerate(zip(rankings, truths, strict=True)):
        hit = np.isin(ranking[:TOP], truth)
        recall[row] = hit.sum() / len(truth)
        ndcg[row] = (hit * discount[: len(hit)]).sum() / discount[: min(TOP, len(truth))].sum()
    return Scores(recall, ndcg)


def difference(one: Doubles, other: Doubles, *, draws: int = DRAWS, seed: int = 0) -> Difference:
    """Paired bootstrap over households: each draw takes the same households for both."""
    paired = one - other
    generator = np.random.default_rng(seed)
    means = np.array([paired[generator.integers(0, len(paired), len(paired))].mean() for _ in range(draws)])
    low, high = np.quantile(means, [0.025, 0.975])
    return Difference(float(paired.mean()), float(low), float(high))


def calibration_bins(probability: Floats, label: Floats, bins: int = 10) -> list[tuple[float, float, int]]:
    """(mean probability, share that came true, rows) of equally full bins, lowest first."""
    order = np.argsort(probability, kind="stable")
    return [
        (float(probability[part].mean()), float(label[part].mean()), len(part))
        for part in np.array_split(order, bins)
        if len(part)
    ]


def calibration_error(found: Sequence[tuple[float, float, int]]) -> float:
    """Expected calibration error: |said - came true|, weighed by rows."""
    total = sum(rows for _, _, rows in found)
    return sum(abs(said - true) * rows for said, true, rows in found) / max(total, 1)
