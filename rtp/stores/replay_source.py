"""What a replay reads: the archive key by key, and single entries wherever they lie by now."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from pathlib import Path

from redis.asyncio import Redis

from rtp.profile.replay import Archived
from rtp.signals.log import read_verdict
from rtp.stores.archived_events import archived_at, archived_of_window
from rtp.stores.event_log_redis import decode_entry, stream_key, verdicts_key
from rtp.stores.file_lock import alone
from rtp.stores.lake import Lake
from rtp.stores.outage import answer_of, outage_is_retryable

Place = tuple[int, str]
"""Partition and position."""


class ReplaySource:
    """The archive, and the log for what it does not have yet."""

    def __init__(self, client: Redis, lake: Lake) -> None:
        self._client = client
        self._lake = lake

    def keys_of(self, partition: int, *, since: int | None, until: int | None) -> Iterator[list[Archived]]:
        """All archived rows, in log order, of each partition key that had an event received in [since, until)."""
        with self._spill() as spill:
            rows = archived_of_window(self._lake, partition, since=since, until=until, spill=spill)
            for _, some in groupby(rows, key=lambda row: row.entry.partition_key):
                yield list(some)

    def alone(self) -> AbstractContextManager[None]:
        """Held by the one replay that runs; raises Retryable in another."""
        return alone(self._lake.replay_lock, "Another replay is running.", hint="Wait until it has ended.")

    @contextmanager
    def _spill(self) -> Iterator[Path]:
        """A folder for what does not fit into memory; what a killed replay left in it goes first."""
        folder = self._lake.replaying
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def entries_at(self, places: Sequence[Place]) -> dict[Place, Archived]:
        """The entries at these places with what the worker made of them; those not acknowledged yet are left out.

        The log is asked first: what the archiver moves meanwhile is then in the archive. Raises Retryable.
        """
        found: dict[Place, Archived] = {}
        for partition in sorted({place[0] for place in places}):
            found |= await self._in_log(partition, [place[1] for place in places if place[0] == partition])
        rest = [place for place in places if place not in found]
        if rest:
            rows = await asyncio.to_thread(lambda: list(archived_at(self._lake, rest)))
            found |= {(row.entry.partition, row.entry.position): row for row in rows}
        return found

    async def _in_log(self, partition: int, positions: Sequence[str]) -> dict[Place, Archived]:
        pipeline = self._client.pipeline(transaction=False)
        for position in positions:
            pipeline.xrange(stream_key(partition), position, position)
        with outage_is_retryable("reading the event log"):
            verdicts = await answer_of(self._client.hmget(verdicts_key(partition), list(positions)))
            answers = await pipeline.execute()
        found: dict[Place, Archived] = {}
        for position, verdict, entries in zip(positions, verdicts, answers, strict=True):
            if entries and verdict is not None:
                entry = decode_entry(partition, *entries[0])
                settled = read_verdict(verdict.decode(), entry.partition_key)
                found[partition, position] = Archived(entry, settled.counted, settled.fragment)
        return found
