"""The live state of a shopper: folded event by event, combined over fragments, projected into features.

Pure, and generic in the features: what they are is said in rtp/features/live_features.py. A state is a JSON value.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rtp.features.accumulators import Accumulator
from rtp.features.definition import LiveFeature, decay
from rtp.features.live_features import LIVE_FEATURES
from rtp.features.values import FeatureRow, FeatureValue
from rtp.signals.event import Event

__all__ = [
    "AS_OF", "LIVE", "LIVE_FEATURES", "LiveFeatures", "LiveState", "at_moment", "combine", "empty_state", "fold",
    "lift", "project",
]  # fmt: skip

LiveState = dict[str, Any]
"""Accumulator name to its state; an accumulator that nothing touched is absent."""

AS_OF = "as_of"
"""The feature that every projection has besides: the moment it is valid for, in microseconds."""
SEEN = "seen"
"""The key that says that any event was folded: from then on counters are 0 and not unknown."""


class LiveFeatures:
    """Some features, and how their states are made, combined and read."""

    def __init__(self, features: Sequence[LiveFeature]) -> None:
        self.features = tuple(features)
        self._parts: dict[str, Accumulator] = {each.over.name: each.over for each in self.features}
        self._names = frozenset({*self._parts, SEEN})
        self._before: FeatureRow = {each.name: each.before for each in self.features}
        self._unknown: FeatureRow = {each.name: None for each in self.features}
        self._readers: Mapping[str, list[tuple[str, Callable[[Any, int], FeatureValue]]]] = {
            part: [(each.name, each.value) for each in self.features if each.over.name == part] for part in self._parts
        }
        self._of_all = [part for part in self._parts.values() if part.on is None]
        names = {name for part in self._parts.values() for name in part.on or ()}
        self._of_name: Mapping[str, list[Accumulator]] = {
            name: [part for part in self._parts.values() if part.on is None or name in part.on] for name in names
        }

    def read_from(self, part: str) -> list[str]:
        """The features that are read from an accumulator's state."""
        return [each.name for each in self.features if each.over.name == part]

    def lift(self, event: Event) -> LiveState:
        """The state that one event alone amounts to."""
        parts = self._of_name.get(event.name, self._of_all) if event.type == "track" else self._of_all
        lifted = {part.name: value for part in parts if (value := part.lift(event)) is not None}
        lifted[SEEN] = 1
        return lifted

    def combine(self, states: Iterable[LiveState]) -> LiveState:
        """The state of all fragments together: associative and commutative, `empty_state()` is neutral.

        What an accumulator left that no feature is read from any more is dropped.
        """
        combined: LiveState = {}
        for state in states:
            if not combined and state.keys() <= self._names:
                combined = dict(state)
                continue
            for name, value in state.items():
                part = self._parts.get(name)
                if part is not None:
                    combined[name] = part.combine(combined[name], value) if name in combined else value
                elif name == SEEN:
                    combined[SEEN] = 1
        return combined

    def project(self, state: LiveState, now: int) -> dict[str, FeatureValue]:
        """The values at `now` (microseconds), and `as_of`; None is "never", or nobody seen at all.

        Take `now` before reading fragments: then of two projections of one customer the later `as_of` knows more.
        """
        row: dict[str, FeatureValue] = {AS_OF: now}
        row |= self._before if state else self._unknown
        for over, part in state.items():
            for name, value in self._readers.get(over, ()):
                row[name] = value(part, now)
        return row

    def at_moment(self, row: FeatureRow, now: int) -> dict[str, FeatureValue]:
        """A projected row as it reads at a later `now`: decayed on from its `as_of`, windows that have passed emptied.

        Its `as_of` is `now` then: doing it twice is as doing it once.

        Every reader uses this, training included, so that one row means the same in all of them.
        """
        moved = dict(row)
        as_of, last = row.get(AS_OF), row.get("last_event_at")
        if not isinstance(as_of, int) or now <= as_of:
            return moved
        moved[AS_OF] = now
        for feature in self.features:
            value = row.get(feature.name)
            if feature.half_life and isinstance(value, float):
                moved[feature.name] = value * decay(now - as_of, feature.half_life)
            elif feature.window and value is not None and isinstance(last, int) and last <= now - feature.window:
                moved[feature.name] = feature.before
        return moved


def empty_state() -> LiveState:
    """The state of a shopper nobody has seen: the neutral element of `combine`."""
    return {}


LIVE = LiveFeatures(LIVE_FEATURES)
"""The features of `customer_live`; these are its methods:"""
lift, combine, project, at_moment = LIVE.lift, LIVE.combine, LIVE.project, LIVE.at_moment


def fold(state: LiveState, event: Event) -> LiveState:
    """The state after one more event; gives a new value, and the same one in whatever order events come.

    Does not recognise repetitions: the caller drops messages that it has folded already.
    """
    return combine((state, lift(event)))
