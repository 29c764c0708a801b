"""The event log on Redis Streams: one stream a partition, groups, exact counters beside them.

All keys of a partition carry its hash tag, so that each script touches one slot of a cluster.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from rtp.coalescing import Coalescer
from rtp.identity.keys import partition_of
from rtp.signals.event import Event, LogEntry
from rtp.signals.log import WORKER_GROUP, Accounting, Verdict
from rtp.stores.memory_guard import MemoryGuard
from rtp.stores.outage import outage_is_retryable
from rtp.stores.scripts import Script

CHUNK = 500
"""Entries one script call appends: longer calls would hold up the look-ups of others."""

_APPEND = Script("""
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then
  return redis.error_reply('BACKPRESSURE the event log is full: readers are too far behind')
end
local positions = {}
for i = 2, #ARGV, 2 do
  positions[#positions + 1] = redis.call('XADD', KEYS[1], '*', 'k', ARGV[i], 'd', ARGV[i + 1])
end
redis.call('HINCRBY', KEYS[2], 'accepted', #positions)
return positions
""")

# XACK answers 1 once per entry and group, whoever asks how often: so the counters are exact.
_ACKNOWLEDGE = Script("""
for i = 2, #ARGV, 3 do
  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) == 1 then
    redis.call('HINCRBY', KEYS[2], ARGV[i + 1], 1)
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
  end
end
return 1
""")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode


def stream_key(partition: int) -> str:
    """The stream of a partition."""
    return f"rtp:{{events:{partition}}}"


def counts_key(partition: int) -> str:
    """How many entries were accepted, applied, duplicate, rejected."""
    return f"{stream_key(partition)}:counts"


def verdicts_key(partition: int) -> str:
    """Position to "<verdict> <customer id>[ <fragment>]" (see rtp.signals.log.read_verdict), until archived."""
    return f"{stream_key(partition)}:verdicts"


def decode_entry(partition: int, position: bytes, fields: dict[bytes, bytes]) -> LogEntry:
    """An entry as Redis gives it."""
    return LogEntry(partition, position.decode(), fields[b"k"].decode(), _decode(fields[b"d"]))


class RedisEventLog:
    """EventLog on Redis Streams. Concurrent appends share one durable write."""

    def __init__(
        self, client: Redis, *, partitions: int, max_entries: int = 1_000_000, guard: MemoryGuard | None = None
    ) -> None:
        """`max_entries`: a partition with more unarchived entries accepts no more. `guard`: nor does a full Redis."""
        self._client = client
        self._partitions = partitions
        self._max_entries = max_entries
        self._guard = guard or MemoryGuard(client)
        self._coalescer: Coalescer[tuple[str, Event], str] = Coalescer(self._write)
        self._recovering: dict[tuple[str, str, int], str] = {}

    @property
    def partitions(self) -> int:
        """How many partitions there are."""
        return self._partitions

    async def append(self, items: Sequence[tuple[str, Event]]) -> list[str]:
        """See EventLog. Appends that arrive while a write is under way go together in the next one."""
        return await self._coalescer.submit(items)

    async def _write(self, items: Sequence[tuple[str, Event]]) -> list[str]:
        """One pipeline of one script call per partition. Never repeated: only calls that Redis did not know are."""
        by_partition: dict[int, list[int]] = {}
        for index, (key, _) in enumerate(items):
            by_partition.setdefault(partition_of(key, self._partitions), []).append(index)
        chunks = [
            (partition, indexes[start : start + CHUNK])
            for partition, indexes in by_partition.items()
            for start in range(0, len(indexes), CHUNK)
        ]
        calls = [self._append_call(partition, [items[index] for index in chunk]) for partition, chunk in chunks]
        with outage_is_retryable("appending to the event log"):
            await self._guard.admit()
            answers = await _APPEND.call_many(self._client, calls)
        positions = [""] * len(items)
        for (_, chunk), answer in zip(chunks, answers, strict=True):
            for index, position in zip(chunk, answer, strict=True):
                positions[index] = position.decode()
        return positions

    def _append_call(self, partition: int, items: Sequence[tuple[str, Event]]) -> tuple[list[str], list[Any]]:
        arguments: list[Any] = [self._max_entries]
        for key, event in items:
            arguments += (key, _encode(event))
        return [stream_key(partition), counts_key(partition)], arguments

    async def read(self, group: str, consumer: str, partition: int, *, count: int, block_ms: int) -> list[LogEntry]:
        """See EventLog."""
        reader = (group, consumer, partition)
        after = self._recovering.setdefault(reader, "0")
        while True:
            with outage_is_retryable("reading the event log"), _forgetting(self._recovering, reader):
                found = await self._read_after(group, consumer, partition, after, count, block_ms)
            if found or after == ">":
                if found and after != ">":
                    self._recovering[reader] = found[-1][0].decode()
                return [decode_entry(partition, position, fields) for position, fields in found if fields]
            self._recovering[reader] = after = ">"

    async def _read_after(
        self, group: str, consumer: str, partition: int, after: str, count: int, block_ms: int
    ) -> list[tuple[bytes, dict[bytes, bytes]]]:
        stream = stream_key(partition)
        block = block_ms if after == ">" and block_ms > 0 else None
        try:
            answer = await self._client.xreadgroup(group, consumer, {stream: after}, count=count, block=block)
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await create_group(self._client, stream, group)
            return []
        return _entries(answer)

    def rewind(self, group: str, consumer: str, partition: int) -> None:
        """See EventLog."""
        self._recovering[(group, consumer, partition)] = "0"

    async def claim(self, group: str, consumer: str, partition: int, *, idle_ms: int) -> int:
        """See EventLog."""
        stream, cursor, claimed = stream_key(partition), "0-0", 0
        with outage_is_retryable("claiming entries"):
            await create_group(self._client, stream, group)
            while True:
                answer = await self._client.xautoclaim(stream, group, consumer, idle_ms, cursor, count=500)
                cursor, claimed = _text(answer[0]), claimed + len(answer[1])
                if cursor == "0-0":
                    break
        self.rewind(group, consumer, partition)
        return claimed

    async def acknowledge(self, group: str, verdicts: Sequence[Verdict]) -> None:
        """See EventLog."""
        by_partition: dict[int, list[str]] = {}
        for verdict in verdicts:
            entry = verdict.entry
            by_partition.setdefault(entry.partition, []).extend((entry.position, verdict.counted, verdict.whose))
        with outage_is_retryable("acknowledging entries"):
            if group == WORKER_GROUP:
                await _ACKNOWLEDGE.call_many(
                    self._client,
                    [
                        ([stream_key(each), counts_key(each), verdicts_key(each)], [group, *triples])
                        for each, triples in by_partition.items()
                    ],
                )
                return
            pipeline = self._client.pipeline(transaction=False)
            for each, triples in by_partition.items():
                pipeline.xack(stream_key(each), group, *triples[::3])
            await pipeline.execute()

    async def accounting(self) -> Accounting:
        """See EventLog."""
        with outage_is_retryable("counting events"):
            pipeline = self._client.pipeline(transaction=False)
            for partition in range(self._partitions):
                pipeline.hmget(counts_key(partition), ["accepted", "applied", "duplicate", "rejected"])
            rows = await pipeline.execute()
        accepted, applied, duplicates, rejected = (sum(int(row[column] or 0) for row in rows) for column in range(4))
        return Accounting(
            accepted=accepted,
            applied=applied,
            duplicates=duplicates,
            rejected=rejected,
            pending=accepted - applied - duplicates - rejected,
        )

    async def tail(self, partition: int, *, after: str, count: int) -> list[LogEntry]:
        """See EventLog."""
        start = f"({after}" if after else "-"
        with outage_is_retryable("reading the event log"):
            found = await self._client.xrange(stream_key(partition), min=start, max="+", count=count)
        return [decode_entry(partition, position, fields) for position, fields in found]

    async def newest(self, partition: int, *, count: int) -> list[LogEntry]:
        """See EventLog."""
        with outage_is_retryable("reading the event log"):
            found = await self._client.xrevrange(stream_key(partition), count=count)
        return [decode_entry(partition, position, fields) for position, fields in reversed(found)]


async def create_group(client: Redis, stream: str, group: str) -> None:
    """Makes a group that sees the stream from its beginning; does nothing where there is one."""
    try:
        await client.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


@contextmanager
def _forgetting(cursors: dict[tuple[str, str, int], str], reader: tuple[str, str, int]) -> Iterator[None]:
    """After an error nobody knows what was delivered: the next read starts with what is unacknowledged."""
    try:
        yield
    except BaseException:
        cursors[reader] = "0"
        raise


def _entries(answer: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The entries of the only stream in an XREADGROUP answer, which is a dict in RESP3 and a list in RESP2."""
    if not answer:
        return []
    found = next(iter(answer.values()))[0] if isinstance(answer, dict) else answer[0][1]
    return list(found)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
