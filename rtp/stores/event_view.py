"""Events for people who watch: those of the log and those archived lately, as one."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec

from rtp.signals import live_view
from rtp.signals.event import LogEntry, position_order
from rtp.signals.log import EventLog
from rtp.stores.archived_events import newest_archived
from rtp.stores.lake import Lake
from rtp.stores.replay_source import ReplaySource

LOOK_BACK = 5_000
"""Entries at the end of each partition that are looked at."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events."""

    since: int
    """Received since then, in microseconds."""
    kind: str | None = None
    """Their type, or the name of a `track` event, whatever its case."""
    fragments: tuple[str, ...] | None = None
    """Those folded into one of these: a customer's."""

    def takes(self, entry: LogEntry, fragment: str = "") -> bool:
        """`fragment` is what it was folded into; "" before it was."""
        event = entry.event
        if event.received_at < self.since:
            return False
        if self.kind is not None and self.kind.lower() not in {event.type, event.name.lower()}:
            return False
        return self.fragments is None or (fragment or entry.partition_key) in self.fragments


class EventView:
    """Recent events, and those to come. Bounded: it looks at the end of the log, and at the archive since a time."""

    def __init__(self, log: EventLog, lake: Lake, source: ReplaySource) -> None:
        self._log = log
        self._lake = lake
        self._source = source

    async def recent(self, wanted: Wanted, count: int) -> list[LogEntry]:
        """The last events wanted, oldest first. Raises Retryable."""
        live = await live_view.newest(self._log, LOOK_BACK)
        found = {(each.partition, each.position): each for each in await self._wanted(live, wanted)}
        kind = wanted.kind.lower() if wanted.kind else None
        archived = await asyncio.to_thread(
            lambda: list(
                newest_archived(self._lake, since=wanted.since, limit=count, kind=kind, fragments=wanted.fragments)
            )
        )
        for row in archived:
            found.setdefault((row.entry.partition, row.entry.position), row.entry)
        ordered = sorted(found.values(), key=lambda each: (each.event.received_at, position_order(each.position)))
        return ordered[-count:]

    async def follow(self, wanted: Wanted) -> AsyncIterator[LogEntry]:
        """Those wanted that come from now on."""
        newest = {each: await self._log.newest(each, count=1) for each in range(self._log.partitions)}
        after = {partition: found[0].position for partition, found in newest.items() if found}
        async for entry in live_view.follow(self._log, after):
            for each in await self._wanted([entry], wanted):
                yield each

    async def _wanted(self, entries: Sequence[LogEntry], wanted: Wanted) -> list[LogEntry]:
        """On a shared device others have the same partition key: what an event was folded into tells them apart."""
        if wanted.fragments is None:
            return [each for each in entries if wanted.takes(each)]
        keys = {each.partition(".")[0] for each in wanted.fragments}
        mine = [each for each in entries if each.partition_key in keys]
        rows = await self._source.entries_at([(each.partition, each.position) for each in mine]) if mine else {}
        folded = {place: row.fragment for place, row in rows.items()}
        return [each for each in mine if wanted.takes(each, folded.get((each.partition, each.position), ""))]
