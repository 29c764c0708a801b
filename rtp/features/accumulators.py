"""The shapes that live state may have. Each is a commutative monoid, exactly: bit for bit, in any order.

An accumulator says what one event contributes (`lift`) and how two states become one (`combine`); folding an event
is combining with its contribution, so arrival order cannot matter. States are plain JSON values in one canonical
form (sorted lists of integers and text), hence equal states have equal bytes. What is too old is dropped against
the newest time in the state itself, never against a clock: that time only grows, so what one order of combining
drops every other order drops too.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from rtp.signals.event import Event

State = Any
"""A JSON value; its shape is the accumulator's own business."""

MICROS = 1_000_000
MINUTE, HOUR, DAY = 60 * MICROS, 3600 * MICROS, 86_400 * MICROS


class Accumulator(Protocol):
    """One part of a shopper's live state."""

    @property
    def name(self) -> str:
        """Its key in the state."""
        ...

    @property
    def on(self) -> frozenset[str] | None:
        """Names of the `track` events that alone concern it; None for one that looks at every event."""
        ...

    def lift(self, event: Event) -> State | None:
        """What this event alone amounts to; None if it does not concern this accumulator."""
        ...

    def combine(self, left: State, right: State) -> State:
        """Associative and commutative."""
        ...


class Cells(msgspec.Struct, frozen=True):
    """Integer sums on a grid of time: [[cell, sum], …] by cell; windows and decay are computed when read."""

    name: str
    amount: Callable[[Event], int | None]
    """What an event adds; None for nothing."""
    width: int
    """Of a cell, in microseconds."""
    keep: int
    """Cells older than this many before the newest are dropped."""
    on: frozenset[str] | None = None

    def lift(self, event: Event) -> State | None:
        """One cell."""
        amount = self.amount(event)
        return None if amount is None else [[event.occurred_at // self.width, amount]]

    def combine(self, left: State, right: State) -> State:
        """Sums cell by cell."""
        if len(right) == 1 and right[0][0] >= left[-1][0]:
            return self._followed(left, *right[0])
        sums: dict[int, int] = dict(left)
        for cell, amount in right:
            sums[cell] = sums.get(cell, 0) + amount
        oldest = max(sums) - self.keep
        return [[cell, sums[cell]] for cell in sorted(sums) if cell > oldest]

    def _followed(self, left: State, newest: int, amount: int) -> State:
        """What nearly every event comes to: one more in the newest cell, or a cell after it."""
        last, total = left[-1]
        kept = [*left[:-1], [newest, total + amount]] if last == newest else [*left, [newest, amount]]
        oldest = newest - self.keep
        return kept if kept[0][0] > oldest else [each for each in kept if each[0] > oldest]


class Newest(msgspec.Struct, frozen=True):
    """The newest entries, one a key: [[at, …], …] oldest first; every entry is a list of integers and text.

    Of two entries with one key the greater survives: entries start with their time, then the message id where
    ties must be broken. At most `limit` entries, none more than `horizon` microseconds older than the newest.
    """

    name: str
    entries: Callable[[Event], Sequence[list[Any]]]
    key: slice
    """Which part of an entry is its key."""
    limit: int
    horizon: int
    on: frozenset[str] | None = None

    def lift(self, event: Event) -> State | None:
        """The entries of one event."""
        entries = self.entries(event)
        return self._kept(entries) if entries else None

    def combine(self, left: State, right: State) -> State:
        """The newest of both."""
        return self._kept([*left, *right])

    def _kept(self, entries: Sequence[list[Any]]) -> State:
        ordered = sorted(entries)
        newest_of_key = {tuple(entry[self.key]): entry for entry in ordered}
        oldest = ordered[-1][0] - self.horizon
        return [entry for entry in sorted(newest_of_key.values())[-self.limit :] if entry[0] >= oldest]


class Register(msgspec.Struct, frozen=True):
    """The last word: [at, message id, value]; the later (occurred at, message id) wins."""

    name: str
    value: Callable[[Event], str | None]
    on: frozenset[str] | None = None

    def lift(self, event: Event) -> State | None:
        """This event's word."""
        value = self.value(event)
        return None if value is None else [event.occurred_at, event.message_id, value]

    def combine(self, left: State, right: State) -> State:
        """The later word."""
        return max(left, right)


class LatestTime(msgspec.Struct, frozen=True):
    """When something last happened, in microseconds."""

    name: str
    when: Callable[[Event], bool]
    on: frozenset[str] | None = None

    def lift(self, event: Event) -> State | None:
        """This event's time."""
        return event.occurred_at if self.when(event) else None

    def combine(self, left: State, right: State) -> State:
        """The later time."""
        return max(left, right)


class Total(msgspec.Struct, frozen=True):
    """How often something happened, ever."""

    name: str
    when: Callable[[Event], bool]
    on: frozenset[str] | None = None

    def lift(self, event: Event) -> State | None:
        """One."""
        return 1 if self.when(event) else None

    def combine(self, left: State, right: State) -> State:
        """The sum."""
        return left + right
