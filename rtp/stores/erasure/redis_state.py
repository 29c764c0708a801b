"""Erasing out of Redis: the keys that bear the person's names, and what streams and lists hold about them."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from rtp.errors import Retryable
from rtp.profile.erasure import Subject
from rtp.signals.event import position_order
from rtp.stores.event_log_redis import stream_key, verdicts_key
from rtp.stores.identity_keys import APART, customer_key, fragment_key
from rtp.stores.outage import answer_of, outage_is_retryable
from rtp.stores.outbox_redis import DEAD, DUE, ROWS
from rtp.stores.record_stream import record_stream_key

SCANNED = 1_000
DECISIONS, MERGES = b"rtp:decision:", b"rtp:{m"
TELLING = (DECISIONS, MERGES)
PATIENCE_SECONDS = 60.0
REWRITE_SECONDS = 600.0


class RedisKeys:
    """A Place: fragments, identity, the online row, decisions of the last week, cooldowns."""

    name = "redis/state"

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def erase(self, subject: Subject) -> int:
        """See Place. One pass over all keys: what holds a shopper is named after them."""
        named = _pattern(subject.customer_ids | subject.partition_keys)
        with outage_is_retryable("erasing keys"):
            shared = [fragment_key(each) for each in subject.fragments]
            removed = int(await self._client.unlink(*shared)) if shared else 0
            removed += await self._set_apart_from(subject)
            async for keys in _scan(self._client):
                mine = [key for key in keys if named.search(key)]
                mine += await self._telling(keys, named)
                if mine:
                    removed += int(await self._client.unlink(*mine))
        return removed

    async def _telling(self, keys: Sequence[bytes], named: "re.Pattern[bytes]") -> list[bytes]:
        """Keys that are named after something else, but whose content tells of the person."""
        asked = [key for key in keys if key.startswith(TELLING)]
        pipeline = self._client.pipeline(transaction=False)
        for key in asked:
            (pipeline.get if key.startswith(DECISIONS) else pipeline.hvals)(key)  # type: ignore[arg-type]
        contents = await pipeline.execute() if asked else []
        return [key for key, content in zip(asked, contents, strict=True) if named.search(_bytes(content))]

    async def _set_apart_from(self, subject: Subject) -> int:
        """Whoever was once taken for the same person still says what was not theirs."""
        traces, removed = _pattern(subject.traces), 0
        for pair in await answer_of(self._client.smembers(APART)):
            if not traces.search(pair):
                continue
            for customer in pair.decode().split():
                fields = await answer_of(self._client.hkeys(customer_key(customer)))
                mine = [field.decode() for field in fields if traces.search(field)]
                if mine and customer not in subject.customer_ids:
                    removed += int(await answer_of(self._client.hdel(customer_key(customer), *mine)))
            await answer_of(self._client.srem(APART, pair))
        return removed


class OutboxRows:
    """A Place: what waits to be sent, and what could not be."""

    name = "redis/outbox"

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def erase(self, subject: Subject) -> int:
        """See Place."""
        pattern = _pattern(subject.traces)
        with outage_is_retryable("erasing the outbox"):
            rows: dict[bytes, bytes] = await answer_of(self._client.hgetall(ROWS))
            mine = [activation for activation, row in rows.items() if pattern.search(row)]
            if mine:
                pipeline = self._client.pipeline(transaction=True)
                pipeline.hdel(ROWS, *map(bytes.decode, mine))
                pipeline.zrem(DUE, *mine)
                await pipeline.execute()
            return len(mine) + await _drop_entries(self._client, DEAD, pattern)


class RecordStreams:
    """A Place: decisions, activations and rejected events that are not archived yet. The archiver must be held."""

    name = "redis/streams"

    def __init__(self, client: Redis, streams: Sequence[str]) -> None:
        self._client = client
        self._keys = [record_stream_key(each) for each in streams]

    async def erase(self, subject: Subject) -> int:
        """See Place."""
        pattern = _pattern(subject.traces)
        with outage_is_retryable("erasing streams"):
            return sum([await _drop_entries(self._client, key, pattern) for key in self._keys])


class LoggedEvents:
    """A Place: the event log. Waits until the worker has settled what is the person's, so that no count is lost."""

    name = "redis/event log"

    def __init__(self, client: Redis, *, partitions: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._client = client
        self._partitions = partitions
        self._patience = patience_seconds

    async def erase(self, subject: Subject) -> int:
        """See Place; raises Retryable if no worker settles them."""
        keys, traces = {each.encode() for each in subject.partition_keys}, _pattern(subject.traces)
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


class RedisFilesOnDisk:
    """A Place: the append-only file, which still tells what was written and deleted since; it is written anew."""

    name = "redis/files on disk"

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def erase(self, _subject: Subject) -> int:
        """See Place. Raises Retryable where the server does not do it."""
        with outage_is_retryable("rewriting the append-only file"):
            if not (await self._persistence())["aof_enabled"]:
                return 0
            try:
                await answer_of(self._client.execute_command("BGREWRITEAOF"))  # type: ignore[no-untyped-call]
            except ResponseError as error:
                if "already in progress" not in str(error):
                    raise Retryable(
                        f"Redis does not rewrite its file: {error}", hint="Have its operator do so (BGREWRITEAOF)."
                    ) from error
            await self._rewritten()
        return 0

    async def _rewritten(self) -> None:
        deadline = asyncio.get_running_loop().time() + REWRITE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            state = await self._persistence()
            if not state["aof_rewrite_in_progress"] and not state["aof_rewrite_scheduled"]:
                if state["aof_last_bgrewrite_status"] == "ok":
                    return
                break
            await asyncio.sleep(0.1)
        raise Retryable("Redis could not rewrite its file.", hint="Look at its log and the disk, then erase again.")

    async def _persistence(self) -> dict[str, Any]:
        return dict(await self._client.info("persistence"))


def redis_places(client: Redis, *, partitions: int, streams: Sequence[str]) -> list[Any]:
    """All places in Redis, in this order: handling an event may still write to what comes after it."""
    return [
        LoggedEvents(client, partitions=partitions),
        RecordStreams(client, streams),
        OutboxRows(client),
        RedisKeys(client),
        RedisFilesOnDisk(client),
    ]


def _pattern(traces: Iterable[str]) -> "re.Pattern[bytes]":
    """Finds any of them, in any case; nothing at all where there are none."""
    return re.compile(b"|".join(re.escape(each.encode()) for each in sorted(traces)) or b"(?!)", re.IGNORECASE)


async def _scan(client: Redis) -> AsyncIterator[list[bytes]]:
    cursor = 0
    while True:
        cursor, keys = await client.scan(cursor, count=SCANNED)
        yield keys
        if not int(cursor):
            return


def _bytes(content: bytes | list[bytes] | None) -> bytes:
    return b" ".join(content) if isinstance(content, list) else content or b""


async def _entries(client: Redis, stream: str | bytes) -> AsyncIterator[tuple[bytes, dict[bytes, bytes]]]:
    after = "-"
    while True:
        found = await client.xrange(stream, min=after, max="+", count=SCANNED)
        for entry in found:
            yield entry
        if len(found) < SCANNED:
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
