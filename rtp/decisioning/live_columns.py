"""What a shopper does just now, as columns of the vector: every live feature that is a number or a time."""

from collections.abc import Sequence

import numpy as np

from rtp.decisioning.catalog import Floats
from rtp.features.live import LIVE_FEATURES, at_moment
from rtp.features.types import FeatureType
from rtp.features.values import FeatureRow, FeatureValue

NUMBERS = frozenset({FeatureType.INT, FeatureType.FLOAT, FeatureType.FLAG})
SECOND, DAY = 1_000_000, 86_400_000_000

MEASURED = tuple(each for each in LIVE_FEATURES if each.type in NUMBERS or each.type is FeatureType.TIME)
LIVE_COLUMNS = tuple(f"live_{each.name}" for each in MEASURED)
"""Their names in the vector, in the order of definition."""


def live_values(row: FeatureRow, at: int) -> Floats:
    """One row of LIVE_COLUMNS for a row of `customer_live` as it reads `at` (seconds); NaN for what is unknown.

    Times become the days since; whatever else decays or passes is brought to that moment first.
    """
    if not row:
        return np.full(len(MEASURED), np.nan, np.float32)
    now = at * SECOND
    moved = at_moment(row, now)
    return np.array([_measure(each.type, moved.get(each.name), now) for each in MEASURED], np.float32)


def learnable(matrix: Floats, names: Sequence[str], *, share: float) -> tuple[str, ...]:
    """The columns that can be learned from: of the live ones those known in at least this share of rows.

    What only a few are known by says who was watched, and not what they want.
    """
    known = 1 - np.isnan(matrix).mean(axis=0)
    return tuple(
        name for name, rate in zip(names, known, strict=True) if name not in LIVE_COLUMNS or rate >= share
    )  # fmt: skip


def _measure(kind: FeatureType, value: FeatureValue, now: int) -> float:
    if not isinstance(value, int | float):
        return float("nan")
    return (now - value) / DAY if kind is FeatureType.TIME else float(value)
