"""The event log in memory: for tests of what reads it, held to the same contract; nothing survives the process."""

from collections.abc import Sequence

from rtp.identity.keys import partition_of
from rtp.signals.event import Event, LogEntry, position_order
from rtp.signals.log import WORKER_GROUP, Accounting, Verdict


class MemoryEventLog:
    """EventLog without durability."""

    def __init__(self, *, partitions: int) -> None:
        self._entries: list[list[LogEntry]] = [[] for _ in range(partitions)]
        self._delivered: dict[tuple[str, int], int] = {}
        self._pending: dict[tuple[str, int], dict[str, str]] = {}
        self._recovering: dict[tuple[str, str, int], str] = {}
        self._counts = {"applied": 0, "duplicate": 0, "rejected": 0}

    @property
    def partitions(self) -> int:
        """How many partitions there are."""
        return len(self._entries)

    async def append(self, items: Sequence[tuple[str, Event]]) -> list[str]:
        """See EventLog; positions are made of the time of receipt, as Redis makes them."""
        positions = []
        for key, event in items:
            partition = partition_of(key, self.partitions)
            entries = self._entries[partition]
            last = position_order(entries[-1].position) if entries else (0, 0)
            milliseconds = event.received_at // 1000
            at = (milliseconds, 0) if milliseconds > last[0] else (last[0], last[1] + 1)
            entries.append(LogEntry(partition, f"{at[0]}-{at[1]}", key, event))
            positions.append(entries[-1].position)
        return positions

    async def read(self, group: str, consumer: str, partition: int, *, count: int, block_ms: int) -> list[LogEntry]:  # noqa: ARG002
        """See EventLog; never waits."""
        reader = (group, consumer, partition)
        after = self._recovering.get(reader, "0")
        if after != ">":
            mine = [each for each in self._owned(group, consumer, partition) if _later(each.position, after)][:count]
            self._recovering[reader] = mine[-1].position if mine else ">"
            if mine:
                return mine
        start = self._delivered.get((group, partition), 0)
        found = self._entries[partition][start : start + count]
        self._delivered[group, partition] = start + len(found)
        self._pending.setdefault((group, partition), {}).update({each.position: consumer for each in found})
        return found

    def _owned(self, group: str, consumer: str, partition: int) -> list[LogEntry]:
        pending = self._pending.get((group, partition), {})
        return [each for each in self._entries[partition] if pending.get(each.position) == consumer]

    def rewind(self, group: str, consumer: str, partition: int) -> None:
        """See EventLog."""
        self._recovering[(group, consumer, partition)] = "0"

    async def claim(self, group: str, consumer: str, partition: int, *, idle_ms: int) -> int:  # noqa: ARG002
        """See EventLog; takes everything, as nothing here knows how long it was idle."""
        pending = self._pending.get((group, partition), {})
        pending.update(dict.fromkeys(pending, consumer))
        self.rewind(group, consumer, partition)
        return len(pending)

    async def acknowledge(self, group: str, verdicts: Sequence[Verdict]) -> None:
        """See EventLog."""
        for verdict in verdicts:
            pending = self._pending.get((group, verdict.entry.partition), {})
            if pending.pop(verdict.entry.position, None) is not None and group == WORKER_GROUP:
                self._counts[verdict.counted] += 1

    async def accounting(self) -> Accounting:
        """See EventLog."""
        accepted = sum(map(len, self._entries))
        return Accounting(
            accepted=accepted,
            applied=self._counts["applied"],
            duplicates=self._counts["duplicate"],
            rejected=self._counts["rejected"],
            pending=accepted - sum(self._counts.values()),
        )

    async def tail(self, partition: int, *, after: str, count: int) -> list[LogEntry]:
        """See EventLog."""
        return [each for each in self._entries[partition] if _later(each.position, after)][:count]

    async def newest(self, partition: int, *, count: int) -> list[LogEntry]:
        """See EventLog."""
        return self._entries[partition][-count:]


def _later(position: str, after: str) -> bool:
    return position_order(position) > position_order(after)
