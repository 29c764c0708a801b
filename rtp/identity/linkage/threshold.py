"""From which match weight on two records are taken for one person: chosen by the precision that is asked for."""

import msgspec
import numpy as np

from rtp.identity.linkage.splinking import Scores, probability

PRECISION = 0.99
"""Of the pairs linked, the share that shall be one person."""
LEAST_WEIGHT = 0.0
"""A pair is never linked that is more likely two people than one."""
STEPS = 40


class Point(msgspec.Struct, frozen=True):
    """What a threshold would come to, as the model expects it."""

    weight: float
    pairs: int
    precision: float
    """Share of the pairs from this weight on that are one person."""
    recall: float
    """Share of the pairs of one person, among those compared, that have this weight or more."""


def choose(scores: Scores, precision: float = PRECISION) -> float:
    """The lowest match weight from which on the pairs are one person often enough.

    A pair that is so by itself is always linked; so with nothing weaker to judge by, that is the threshold.
    """
    alone = max(LEAST_WEIGHT, float(np.log2(precision / (1 - precision))))
    ordered = np.sort(scores.weight[scores.weight >= LEAST_WEIGHT])[::-1]
    reached = np.cumsum(probability(ordered)) / np.arange(1, len(ordered) + 1) >= precision
    # The average falls with every weaker pair, so the last that reaches it is the threshold.
    return min(alone, float(ordered[np.flatnonzero(reached)[-1]])) if reached.any() else alone


def curve(scores: Scores) -> list[Point]:
    """What thresholds over the range of weights would come to."""
    if not len(scores):
        return []
    chances = probability(scores.weight)
    everything = max(float(chances.sum()), 1e-9)
    points = []
    for weight in np.linspace(max(scores.weight.min(), -20.0), min(scores.weight.max(), 40.0), STEPS):
        above = chances[scores.weight >= weight]
        if len(above):
            points.append(Point(float(weight), len(above), float(above.mean()), float(above.sum()) / everything))
    return points
