"""Erasing out of Redis's streams: the event log, what waits for the archive, the outbox."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec
from redis.asyncio import Redis

from rtp.errors import Retryable
from rtp.profile.erasure import Subject
from rtp.signals.event import position_order
from rtp.stores.event_log_redis import stream_key, verdicts_key
from rtp.stores.outage import answer_of, outage_is_retryable
from rtp.stores.outbox_redis import DEAD, DUE, ROWS
from rtp.stores.record_stream import record_stream_key

READ_AT_ONCE = 1_000
PATIENCE_SECONDS = 60.0


class LoggedEvents:
    """A Place: the event log. Waits until the worker has settled what is the person's, so that no count is lost."""

    name = "redis/event log"

    def __init__(self, client: Redis, *, partitions: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._client = client
        self._partitions = partitions
        self._patience = patience_seconds

    async def erase(self, subject: Subject) -> int:
        """See Place; raises Retryable if no worker settles them."""
        keys, traces = {each.encode() for each in subject.partition_keys}, pattern_of(subject.traces)
        removed = 0
        deadline = asyncio.get_running_loop().time() + self._patience
        with outage_is_retryable("erasing events"):
            while True:
                waiting = 0
                for partition in range(self._partitions):
                    dropped, unsettled = await self._erase_in(partition, keys, traces)
                    removed, waiting = removed + dropped, waiting + unsettled
                if not waiting:
                    return removed
                if asyncio.get_running_loop().time() > deadline:
                    raise Retryable(
                        f"{waiting} events about the person wait for the worker.",
                        hint="Start it (`rtp up`), then erase again.",
                    )
                await asyncio.sleep(0.2)

    async def _erase_in(self, partition: int, keys: set[bytes], traces: "re.Pattern[bytes]") -> tuple[int, int]:
        """(removed, not settled yet)."""
        stream = stream_key(partition)
        mine = [
            position
            async for position, fields in _entries(self._client, stream)
            if fields.get(b"k") in keys or traces.search(fields.get(b"d", b""))
        ]
        if not mine:
            return 0, 0
        verdicts = await answer_of(self._client.hmget(verdicts_key(partition), mine))
        archived = position_order((await answer_of(self._client.hget(f"{stream}:archive", "done")) or b"0-0").decode())
        settled = [
            position
            for position, verdict in zip(mine, verdicts, strict=True)
            if verdict is not None or position_order(position.decode()) <= archived
        ]
        if settled:
            pipeline = self._client.pipeline(transaction=True)
            pipeline.xdel(stream, *settled)
            pipeline.hdel(verdicts_key(partition), *map(bytes.decode, settled))
            await pipeline.execute()
        return len(settled), len(mine) - len(settled)


class RecordStreams:
    """A Place: decisions, activations and rejected events that are not archived yet. The archiver must be held."""

    name = "redis/streams"

    def __init__(self, client: Redis, streams: Sequence[str]) -> None:
        self._client = client
        self._keys = [record_stream_key(each) for each in streams]

    async def erase(self, subject: Subject) -> int:
        """See Place."""
        pattern = pattern_of(subject.traces)
        with outage_is_retryable("erasing streams"):
            return sum([await _drop_entries(self._client, key, pattern) for key in self._keys])


class OutboxRows:
    """A Place: what waits to be sent, and what could not be."""

    name = "redis/outbox"

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def erase(self, subject: Subject) -> int:
        """See Place."""
        pattern = pattern_of(subject.traces)
        with outage_is_retryable("erasing the outbox"):
            rows: dict[bytes, bytes] = await answer_of(self._client.hgetall(ROWS))
            mine = [activation for activation, row in rows.items() if pattern.search(row)]
            if mine:
                pipeline = self._client.pipeline(transaction=True)
                pipeline.hdel(ROWS, *map(bytes.decode, mine))
                pipeline.zrem(DUE, *mine)
                await pipeline.execute()
            return len(mine) + await _drop_entries(self._client, DEAD, pattern)


def pattern_of(traces: Iterable[str]) -> "re.Pattern[bytes]":
    """Finds any of them, in any case; nothing at all where there are none."""
    return re.compile(b"|".join(re.escape(each.encode()) for each in sorted(traces)) or b"(?!)", re.IGNORECASE)


async def _entries(client: Redis, stream: str | bytes) -> AsyncIterator[tuple[bytes, dict[bytes, bytes]]]:
    after = "-"
    while True:
        found = await client.xrange(stream, min=after, max="+", count=READ_AT_ONCE)
        for entry in found:
            yield entry
        if len(found) < READ_AT_ONCE:
            return
        after = f"({found[-1][0].decode()}"


async def _drop_entries(client: Redis, stream: str, pattern: "re.Pattern[bytes]") -> int:
    mine = [
        position
        async for position, fields in _entries(client, stream)
        if any(pattern.search(_legible(value)) for value in fields.values())
    ]
    return int(await client.xdel(stream, *mine)) if mine else 0


class _Refused(msgspec.Struct, frozen=True):
    body: bytes = b""


def _legible(value: bytes) -> bytes:
    """With what was sent in a rejected event, which lies there in base64."""
    try:
        return value + msgspec.json.decode(value, type=_Refused).body if b'"body":"' in value else value
    except msgspec.DecodeError:
        return value
