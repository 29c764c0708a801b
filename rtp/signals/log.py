"""The event log's port: durable, partitioned, read by consumer groups."""

from collections.abc import Sequence
from typing import Literal, Protocol, cast

import msgspec

from rtp.signals.event import Event, LogEntry

WORKER_GROUP = "worker"
"""The group that folds; its verdicts are what is counted and archived."""


Outcome = Literal["applied", "duplicate", "rejected"]


class Verdict(msgspec.Struct, frozen=True):
    """What became of an entry: archived beside it, and counted exactly once, when it is acknowledged."""

    entry: LogEntry
    counted: Outcome
    customer_id: str | None = None
    fragment: str = ""
    """The fragment that it went into; "" is the one called like its partition key."""

    @property
    def whose(self) -> str:
        """Customer and fragment as the log keeps them: "<customer id> <fragment without its partition key>"."""
        return f"{self.customer_id or ''} {self.fragment.removeprefix(self.entry.partition_key)}".rstrip(" ")


class Settled(msgspec.Struct, frozen=True):
    """A verdict as the log keeps it, until the entry is archived."""

    counted: Outcome
    customer_id: str | None
    fragment: str


def read_verdict(text: str, partition_key: str) -> Settled:
    """The inverse of "<counted> " and :attr:`Verdict.whose`."""
    counted, customer_id, suffix, *_ = [*text.split(" "), "", ""]
    return Settled(cast("Outcome", counted), customer_id or None, partition_key + suffix)


class Accounting(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of the log by what became of them: `accepted` is always the sum of all the others."""

    accepted: int = 0
    """Entries appended."""
    applied: int = 0
    duplicates: int = 0
    rejected: int = 0
    """Entries that could not be folded; they are kept among the rejected events."""
    pending: int = 0
    """Entries not yet acknowledged by the worker."""


class EventSink(Protocol):
    """Where accepted events go in."""

    async def append(self, items: Sequence[tuple[str, Event]]) -> list[str]:
        """Stores (partition key, event) pairs, all durably before it returns; returns their positions.

        Raises Retryable when it cannot, or when readers are too far behind. Some may have been stored even so:
        sending the same message ids again counts them once.
        """
        ...


class EventLog(EventSink, Protocol):
    """Appends survive a crash once awaited; every group sees every entry at least once, in order per partition."""

    @property
    def partitions(self) -> int:
        """How many partitions there are; a partition key always falls into the same one."""
        ...

    async def read(self, group: str, consumer: str, partition: int, *, count: int, block_ms: int) -> list[LogEntry]:
        """The next entries of a partition; what this consumer read and has not acknowledged comes first.

        After any error, and after :meth:`rewind`, it starts again with what is unacknowledged.
        """
        ...

    def rewind(self, group: str, consumer: str, partition: int) -> None:
        """Makes the next read start with what this consumer has not acknowledged."""
        ...

    async def claim(self, group: str, consumer: str, partition: int, *, idle_ms: int) -> int:
        """Takes over what other consumers have left unacknowledged for so long; returns how many entries."""
        ...

    async def acknowledge(self, group: str, verdicts: Sequence[Verdict]) -> None:
        """Marks entries as done for this group; in the worker's group each of them is also counted, once."""
        ...

    async def accounting(self) -> Accounting:
        """Everything appended so far, by what became of it in the worker's group."""
        ...

    async def tail(self, partition: int, *, after: str, count: int) -> list[LogEntry]:
        """Entries after a position ("" is the beginning), whoever read them; for people and the archive."""
        ...

    async def newest(self, partition: int, *, count: int) -> list[LogEntry]:
        """The last entries of a partition that are not archived yet, oldest first."""
        ...
