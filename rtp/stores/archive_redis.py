"""The archive's reading side: which entries come next, exactly once each, and what may be dropped from the streams.

A batch is planned, and the plan stored, before a file is written; streams are trimmed only after the plan says that
its files are there. So a crash anywhere repeats the same batch under the same name, or goes on trimming.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from rtp.signals.event import position_order
from rtp.stores.archive_rows import StoredEntry
from rtp.stores.event_log_redis import stream_key, verdicts_key
from rtp.stores.outage import answer_of, outage_is_retryable
from rtp.stores.record_stream import record_stream_key
from rtp.stores.scripts import Script

RECORD_STREAMS = ("decisions", "activations", "rejected", "settlements", "movements")

_COMMIT = Script("""
-- KEYS: the stream, its progress, its verdicts. ARGV: the last position archived, then all of the batch.
redis.call('HSET', KEYS[2], 'done', ARGV[1])
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
for i = 2, #ARGV do redis.call('HDEL', KEYS[3], ARGV[i]) end
return 1
""")


class Range(msgspec.Struct, frozen=True):
    """A stretch of one stream, both ends included."""

    partition: int
    first: str
    last: str


class Plan(msgspec.Struct, frozen=True):
    """One batch of one archived stream."""

    ranges: tuple[Range, ...]
    written: bool = False
    """The files are there: all that is left is to trim."""

    @property
    def name(self) -> str:
        """The name of its files: "<first ms>-<last ms>-<digest of the ranges>"."""
        first = min(position_order(each.first)[0] for each in self.ranges)
        last = max(position_order(each.last)[0] for each in self.ranges)
        digest = hashlib.blake2b(msgspec.json.encode(self.ranges), digest_size=6).hexdigest()
        return f"{first}-{last}-{digest}"


class ArchiveSource:
    """What is to be archived of "events" or one of RECORD_STREAMS. One caller at a time: see ArchiveLock."""

    def __init__(self, client: Redis, stream: str, *, partitions: int) -> None:
        self._client = client
        self.stream = stream
        self._keys = (
            [stream_key(each) for each in range(partitions)] if stream == "events" else [record_stream_key(stream)]
        )
        self._plan_key = f"rtp:{{archive}}:{stream}"
        self._planned: tuple[Plan, list[StoredEntry]] | None = None
        """What was read for the last plan, so that nothing is read twice."""

    async def unfinished(self) -> Plan | None:
        """The batch that a crash has interrupted; finish it before planning another."""
        with outage_is_retryable("planning the archive"):
            stored = await self._client.get(self._plan_key)
        return msgspec.json.decode(stored, type=Plan) if stored else None

    async def plan(self, *, count: int) -> Plan | None:
        """The batch to write next, at most `count` entries of each partition; None if there is nothing.

        Events only as far as the worker has acknowledged them: before that nobody knows what they came to.
        """
        with outage_is_retryable("planning the archive"):
            ranges, entries = [], []
            for partition in range(len(self._keys)):
                if ready := await self._ready(partition, count):
                    ranges.append(Range(partition, ready[0].position, ready[-1].position))
                    entries += ready
            plan = Plan(tuple(ranges)) if ranges else None
            if plan:
                await self._client.set(self._plan_key, msgspec.json.encode(plan))
                self._planned = (plan, entries)
        return plan

    async def read(self, plan: Plan) -> list[StoredEntry]:
        """The entries of a plan that is not written yet."""
        if self._planned and self._planned[0].ranges == plan.ranges:
            return self._planned[1]
        entries: list[StoredEntry] = []
        with outage_is_retryable("reading for the archive"):
            for each in plan.ranges:
                found = await self._client.xrange(self._keys[each.partition], each.first, each.last)
                verdicts = await self._verdicts(each.partition, [position for position, _ in found])
                entries += _entries(each.partition, found, verdicts)
        self._planned = (plan, entries)
        return entries

    async def written(self, plan: Plan) -> Plan:
        """Notes that the plan's files are there."""
        done = msgspec.structs.replace(plan, written=True)
        with outage_is_retryable("noting what is archived"):
            await self._client.set(self._plan_key, msgspec.json.encode(done))
        return done

    async def commit(self, plan: Plan) -> None:
        """Drops what is archived from the streams (all but the last entry), and the plan."""
        with outage_is_retryable("trimming the log"):
            positions = await self._positions(plan)
            for each in plan.ranges:
                key = self._keys[each.partition]
                await _COMMIT.call(
                    self._client,
                    [key, f"{key}:archive", f"{key}:verdicts"],
                    [each.last, *positions[each.partition]],
                )
            await self._client.delete(self._plan_key)
        self._planned = None

    async def _positions(self, plan: Plan) -> dict[int, list[str]]:
        """Of a plan's entries, by partition; from memory, or after a crash of what is not trimmed yet."""
        positions: dict[int, list[str]] = {each.partition: [] for each in plan.ranges}
        if self._planned and self._planned[0].ranges == plan.ranges:
            for entry in self._planned[1]:
                positions[entry.partition].append(entry.position)
            return positions
        for each in plan.ranges:
            found = await self._client.xrange(self._keys[each.partition], each.first, each.last)
            positions[each.partition] = [position.decode() for position, _ in found]
        return positions

    async def _ready(self, partition: int, count: int) -> list[StoredEntry]:
        key = self._keys[partition]
        done = await answer_of(self._client.hget(f"{key}:archive", "done"))
        found = await self._client.xrange(key, f"({done.decode()}" if done else "-", "+", count=count)
        verdicts = await self._verdicts(partition, [position for position, _ in found])
        settled = next((index for index, verdict in enumerate(verdicts) if verdict is None), len(verdicts))
        return _entries(partition, found[:settled], verdicts[:settled])

    async def _verdicts(self, partition: int, positions: Sequence[bytes]) -> list[Any]:
        if self.stream != "events":
            return [b""] * len(positions)
        if not positions:
            return []
        verdicts: list[Any] = await answer_of(self._client.hmget(verdicts_key(partition), list(positions)))
        return verdicts


def _entries(partition: int, found: Sequence[Any], verdicts: Sequence[bytes | None]) -> list[StoredEntry]:
    return [
        StoredEntry(partition, position.decode(), fields, (verdict or b"").decode())
        for (position, fields), verdict in zip(found, verdicts, strict=True)
    ]
