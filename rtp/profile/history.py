"""A shopper's past events and what they said of themselves. The port, and the fold of traits."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from rtp.signals.event import Event, EventType


class PastEvent(msgspec.Struct, frozen=True):
    """An event as recorded, with the customer whose it was when it was folded."""

    event: Event
    customer_id: str


class History(Protocol):
    """What is on record: archived events and those not yet archived, each once."""

    async def events(
        self, partition_keys: Sequence[str], *, limit: int, kind: EventType | None = None
    ) -> list[PastEvent]:
        """Events of these partition keys, newest received first. Raises Retryable."""
        ...

    async def attributes(self, customer_id: str) -> dict[str, Any]:
        """What the feeds say of a customer beside orders; empty where nothing is known."""
        ...


class HeldRecords(Protocol):
    """What is held about customers beside events and features."""

    async def about(self, customer_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Lines of sales, decisions and messages, by kind, newest first."""
        ...


def traits_of(events: Iterable[Event]) -> dict[str, Any]:
    """The last word on each trait, of `identify` calls and of `context.traits`; null takes a trait away."""
    traits: dict[str, Any] = {}
    for event in sorted(events, key=lambda each: (each.occurred_at, each.message_id)):
        nested = event.context.get("traits")
        traits |= (nested if isinstance(nested, dict) else {}) | event.traits
    return {name: value for name, value in traits.items() if value is not None}
