"""Live features as they were: what training learns from is the same fold over archived events."""

from collections.abc import Callable, Iterable, Sequence

from rtp.features.live import LIVE, LiveFeatures, LiveState, empty_state
from rtp.features.values import FeatureRow
from rtp.signals.event import Event

LiveRows = Callable[[Sequence[tuple[str, int]]], Sequence[FeatureRow]]
"""(customer id, moment in µs) pairs -> the row of `customer_live` of each at that moment; {} where nobody was seen."""


def nobody_watched(asked: Sequence[tuple[str, int]]) -> list[FeatureRow]:
    """LiveRows where no event was ever kept."""
    return [{} for _ in asked]


def rows_at(events: Iterable[Event], moments: Sequence[int], features: LiveFeatures = LIVE) -> list[FeatureRow]:
    """One customer's row at each of these moments (µs), from what had been received before it. Pure.

    Each message counts once. An event that happened before a moment but came in after it was not known then.
    """
    waiting = sorted({each.message_id: each for each in events}.values(), key=lambda each: each.received_at)
    rows: dict[int, FeatureRow] = {}
    state: LiveState = empty_state()
    next_event = 0
    for moment in sorted(set(moments)):
        while next_event < len(waiting) and waiting[next_event].received_at < moment:
            state = features.combine((state, features.lift(waiting[next_event])))
            next_event += 1
        rows[moment] = features.project(state, moment) if state else {}
    return [rows[moment] for moment in moments]
