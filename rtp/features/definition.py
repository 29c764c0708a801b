"""What a live feature is, and the usual kinds of one."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from rtp.features.accumulators import DAY, MINUTE, Accumulator, Cells, LatestTime, State
from rtp.features.types import FeatureType
from rtp.features.values import FeatureValue
from rtp.signals.event import Event

Value = TypeVar("Value")


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
    """Microseconds, for what holds as long after the last activity: then it is as `before`."""


class Acts(msgspec.Struct, frozen=True):
    """Which events a feature is about."""

    on: frozenset[str] | None
    """Names of `track` events; None for every event."""
    when: Callable[[Event], bool] = lambda _event: True
    """Which of those."""


def did(*names: str) -> Acts:
    """The `track` events of these names."""
    return Acts(frozenset(names))


def once(read: Callable[[Any, int], Value]) -> Callable[[Any, int], Value]:
    """`read`, worked out once for several features in a row that are read from the same state at the same moment."""
    last: tuple[Any, int, Value] | None = None

    def remembered(state: Any, now: int) -> Value:
        nonlocal last
        known = last
        if known is None or known[0] is not state or known[1] != now:
            known = last = (state, now, read(state, now))
        return known[2]

    return remembered


DECAY_CELLS_PER_HALF_LIFE = 16
DECAY_HALF_LIVES_KEPT = 8
_LEFT_AFTER_CELLS = [
    0.5 ** (cells / DECAY_CELLS_PER_HALF_LIFE) for cells in range(DECAY_CELLS_PER_HALF_LIFE * DECAY_HALF_LIVES_KEPT + 1)
]
"""How much is left that many cells later."""


def decay(age: int, half_life: int) -> float:
    """How much of a thing is left after `age` microseconds: 2^(-age / half life)."""
    return float(0.5 ** (max(age, 0) / half_life))


def count_of_24h(name: str, meaning: str, acts: Acts) -> LiveFeature:
    """How often in the last 24 hours, to a quarter of an hour."""
    return sum_of_24h(name, meaning, acts, _one(acts))


def sum_of_24h(name: str, meaning: str, acts: Acts, amount: Callable[[Event], int | None]) -> LiveFeature:
    """How much in the last 24 hours, to a quarter of an hour."""
    cells = Cells(name, amount, width=15 * MINUTE, keep=96, on=acts.on)
    return LiveFeature(
        name=name, type=FeatureType.INT, meaning=meaning, over=cells, before=0, window=DAY,
        value=lambda state, now: sum(count for cell, count in state if cell > now // cells.width - cells.keep),
    )  # fmt: skip


def decayed_count(name: str, meaning: str, acts: Acts, half_life: int) -> LiveFeature:
    """How often, each time halving with age; an event's age is known to a sixteenth of the half-life."""
    return decayed_sum(name, meaning, acts, _one(acts), half_life)


def decayed_sum(
    name: str, meaning: str, acts: Acts, amount: Callable[[Event], int | None], half_life: int, *, unit: int = 1
) -> LiveFeature:
    """Whole amounts, each halving with age; the value is in `unit`s of the amount."""
    width = half_life // DECAY_CELLS_PER_HALF_LIFE
    cells = Cells(name, amount, width=width, keep=DECAY_CELLS_PER_HALF_LIFE * DECAY_HALF_LIVES_KEPT, on=acts.on)

    def value(state: State, now: int) -> float:
        newest = state[-1][0]
        age = now - (newest * width + width // 2)
        if age < 0:  # its cell is not half over: the newest counts in full, those before it by their own age
            return sum(
                (total / unit * decay(now - (cell * width + width // 2), half_life) for cell, total in state), 0.0
            )
        at_newest = sum([total * _LEFT_AFTER_CELLS[newest - cell] for cell, total in state])
        return float(at_newest / unit * 0.5 ** (age / half_life))

    return LiveFeature(
        name=name, type=FeatureType.FLOAT, meaning=meaning, over=cells, before=0.0, half_life=half_life, value=value,
    )  # fmt: skip


def time_of_last(name: str, meaning: str, acts: Acts) -> LiveFeature:
    """When it last happened."""
    return LiveFeature(
        name=name, type=FeatureType.TIME, meaning=meaning, over=LatestTime(name, acts.when, on=acts.on),
        value=lambda state, _now: state,
    )  # fmt: skip


def _one(acts: Acts) -> Callable[[Event], int | None]:
    return lambda event: 1 if acts.when(event) else None
