"""Who was erased stays out: a list of keyed digests that every write is checked against."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from rtp.identity.identifiers import identifiers_of
from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import Spelling
from rtp.identity.types import Identifier
from rtp.signals.event import Event
from rtp.signals.log import EventSink


class Suppressed(Protocol):
    """The list, as this process knows it; at most a second old."""

    async def ready(self) -> None:
        """Returns once the list is known at all. Raises Retryable."""
        ...

    def __len__(self) -> int:
        """How many digests it holds."""
        ...

    def holds(self, digests: Iterable[str]) -> bool:
        """Whether any of the digests (:meth:`rtp.identity.keys.KeyedHash.suppression`) is on it."""
        ...


class SuppressionCheck:
    """Tells whether an event is about somebody who was erased. While nobody was, it costs nothing."""

    def __init__(self, suppressed: Suppressed, keys: KeyedHash, *, spelling: Spelling) -> None:
        self._suppressed = suppressed
        self._keys = keys
        self._spelling = spelling

    async def ready(self) -> None:
        """Returns once the list is known; to be awaited before anything is judged by it. Raises Retryable."""
        await self._suppressed.ready()

    def of_event(self, event: Event) -> bool:
        """Whether any identifier of the event was erased."""
        return self._anybody and self.of_identifiers(identifiers_of(event, spelling=self._spelling))

    def of_identifiers(self, identifiers: Iterable[Identifier]) -> bool:
        """Whether any of them was erased."""
        return self._anybody and self._suppressed.holds(map(self._keys.suppression, identifiers))

    @property
    def _anybody(self) -> bool:
        return bool(len(self._suppressed))


class SuppressingSink:
    """An EventSink that takes nothing in about people who were erased; whoever sends it is told that all is well."""

    def __init__(self, sink: EventSink, check: SuppressionCheck) -> None:
        self._sink = sink
        self._check = check

    async def append(self, items: Sequence[tuple[str, Event]]) -> list[str]:
        """See EventSink; the position of an event left out is ""."""
        await self._check.ready()
        kept = [index for index, (_, event) in enumerate(items) if not self._check.of_event(event)]
        if len(kept) == len(items):
            return await self._sink.append(items)
        positions = dict(zip(kept, await self._sink.append([items[index] for index in kept]), strict=True))
        return [positions.get(index, "") for index in range(len(items))]
