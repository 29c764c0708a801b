"""The event log's port: durable, partitioned, read by consumer groups."""

from collections.abc import Sequence
from typing import Protocol

from rtp.signals.event import Event, LogEntry


class EventLog(Protocol):
    """Appends survive a crash once awaited; every group sees every entry at least once, in order per partition."""

    async def append(self, items: Sequence[tuple[str, Event]]) -> list[str]:
        """Stores (partition key, event) pairs; returns their positions. Raises Retryable when it cannot."""
        ...

    async def read(self, group: str, consumer: str, *, count: int, block_ms: int) -> list[LogEntry]:
        """The next entries for this consumer; what it read before and has not acknowledged comes first."""
        ...

    async def acknowledge(self, group: str, entries: Sequence[LogEntry]) -> None:
        """Marks entries as done for this group."""
        ...

    async def lag(self, group: str) -> int:
        """How many entries the group has not acknowledged."""
        ...

    async def trim_archived(self, group: str) -> int:
        """Drops entries that every group, `group` (the archive) above all, has acknowledged; returns how many."""
        ...
