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
            ranges = []
            for partition in range(len(self._keys)):
                positions = await self._ready(partition, count)
                if positions:
                    ranges.append(Range(partition, positions[0], positions[-1]))
            plan = Plan(tuple(ranges)) if ranges else None
            if plan:
                await self._client.set(self._plan_key, msgspec.json.encode(plan))
        return plan

    async def read(self, plan: Plan) -> list[StoredEntry]:
        """The entries of a plan that is not written yet."""
        entries: list[StoredEntry] = []
        with outage_is_retryable("reading for the archive"):
            for each in plan.ranges:
                found = await self._client.xrange(self._keys[each.partition], each.first, each.last)
                verdicts = await self._verdicts(each.partition, [position for position, _ in found])
                entries += [
                    StoredEntry(each.partition, position.decode(), fields, (verdict or b"").decode())
                    for (position, fields), verdict in zip(found, verdicts, strict=True)
                ]
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
            for each in plan.ranges:
                found = await self._client.xrange(self._keys[each.partition], each.first, each.last)
                key = self._keys[each.partition]
                positions = [position for position, _ in found]
                await _COMMIT.call(
                    self._client,
                    [key, f"{key}:archive", f"{key}:verdicts"],
                    [each.last, *positions],
                )
            await self._client.delete(self._plan_key)

    async def _ready(self, partition: int, count: int) -> list[str]:
        key = self._keys[partition]
        done = await answer_of(self._client.hget(f"{key}:archive", "done"))
        found = await self._client.xrange(key, f"({done.decode()}" if done else "-", "+", count=count)
        positions = [position for position, _ in found]
        verdicts = await self._verdicts(partition, positions)
        settled = next((index for index, verdict in enumerate(verdicts) if verdict is None), len(positions))
        return [position.decode() for position in positions[:settled]]

    async def _verdicts(self, partition: int, positions: Sequence[bytes]) -> list[Any]:
        if self.stream != "events":
            return [b""] * len(positions)
        if not positions:
            return []
        verdicts: list[Any] = await answer_of(self._client.hmget(verdicts_key(partition), list(positions)))
        return verdicts
