"""What a live feature is, and the usual kinds of one."""

from collections.abc import Callable
from typing import Any

import msgspec

from rtp.features.accumulators import DAY, HOUR, MINUTE, Accumulator, Cells, LatestTime
from rtp.features.types import FeatureType
from rtp.features.values import FeatureValue
from rtp.signals.event import Event


class LiveFeature(msgspec.Struct, frozen=True, kw_only=True):
    """One feature of the view `customer_live`: all there is to know about it."""

    name: str
    type: FeatureType
    meaning: str
    over: Accumulator
    """The state it is read from; several features may share one."""
    value: Callable[[Any, int], FeatureValue]
    """(the accumulator's state, now in microseconds) → value."""
    before: FeatureValue = None
    """Its value for a shopper who was seen, but never did what it counts: 0 for counters, None ("never") otherwise."""
    half_life: int | None = None
    """Microseconds, for a decayed value: it halves each time this much passes after `as_of`."""
    window: int | None = None
    """Microseconds, for a counter of the last so much time."""


DECAY_CELLS_PER_HALF_LIFE = 16
DECAY_HALF_LIVES_KEPT = 8


def decay(age: int, half_life: int) -> float:
    """How much of a thing is left after `age` microseconds: 2^(-age / half life)."""
    return float(0.5 ** (max(age, 0) / half_life))


def one_when(when: Callable[[Event], bool]) -> Callable[[Event], int | None]:
    """Counts the events that `when` picks."""
    return lambda event: 1 if when(event) else None


def count_of_24h(name: str, meaning: str, when: Callable[[Event], bool]) -> LiveFeature:
    """How often in the last 24 hours, to a quarter of an hour."""
    return sum_of_24h(name, meaning, one_when(when))


def sum_of_24h(name: str, meaning: str, amount: Callable[[Event], int | None]) -> LiveFeature:
    """How much in the last 24 hours, to a quarter of an hour."""
    cells = Cells(name, amount, width=15 * MINUTE, keep=96)
    return LiveFeature(
        name=name, type=FeatureType.INT, meaning=meaning, over=cells, before=0, window=DAY,
        value=lambda state, now: sum(count for cell, count in state if cell > now // cells.width - cells.keep),
    )  # fmt: skip


def decayed_count(name: str, meaning: str, when: Callable[[Event], bool], half_life: int) -> LiveFeature:
    """How often, each time halving with age; an event's age is known to a sixteenth of the half-life."""
    width = half_life // DECAY_CELLS_PER_HALF_LIFE
    cells = Cells(name, one_when(when), width=width, keep=DECAY_CELLS_PER_HALF_LIFE * DECAY_HALF_LIVES_KEPT)
    return LiveFeature(
        name=name, type=FeatureType.FLOAT, meaning=meaning, over=cells, before=0.0, half_life=half_life,
        value=lambda state, now: sum(
            (count * decay(now - (cell * width + width // 2), half_life) for cell, count in state), 0.0
        ),
    )  # fmt: skip


def time_of_last(name: str, meaning: str, when: Callable[[Event], bool]) -> LiveFeature:
    """When it last happened."""
    return LiveFeature(
        name=name, type=FeatureType.TIME, meaning=meaning, over=LatestTime(name, when), value=lambda state, _now: state
    )


__all__ = [
    "DAY", "HOUR", "MINUTE", "LiveFeature", "count_of_24h", "decay", "decayed_count", "sum_of_24h", "time_of_last",
]  # fmt: skip
