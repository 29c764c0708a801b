"""Erasing out of Redis: the keys that bear the person's names, and the server's files on disk."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from rtp.errors import Retryable
from rtp.profile.erasure import Place, Subject
from rtp.stores.erasure.redis_streams import LoggedEvents, OutboxRows, RecordStreams, pattern_of
from rtp.stores.identity_keys import APART, STALE, customer_key, fragment_key, identifier_field
from rtp.stores.outage import answer_of, outage_is_retryable

SCANNED = 1_000
DECISIONS = b"rtp:decision:"
MERGES = re.compile(rb"rtp:\{m[0-9a-f]{24}\}")
REWRITE_SECONDS = 600.0


def redis_places(client: Redis, *, partitions: int, streams: Sequence[str]) -> list[Place]:
    """All places in Redis, in this order: handling an event may still write to what comes after it."""
    return [
        LoggedEvents(client, partitions=partitions),
        RecordStreams(client, streams),
        OutboxRows(client),
        RedisKeys(client),
        RedisFilesOnDisk(client),
    ]


class RedisKeys:
    """A Place: fragments, identity, the online row, decisions of the last week, cooldowns."""

    name = "redis/state"

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def erase(self, subject: Subject) -> int:
        """See Place. One pass over all keys: what holds a shopper is named after them."""
        named = pattern_of(subject.customer_ids | subject.partition_keys)
        with outage_is_retryable("erasing keys"):
            shared = [fragment_key(each) for each in subject.fragments]
            removed = int(await self._client.unlink(*shared)) if shared else 0
            removed += await self._set_apart_from(subject)
            if subject.customer_ids:
                await answer_of(self._client.srem(STALE, *subject.customer_ids))
            async for keys in _scan(self._client):
                mine = [key for key in keys if named.search(key)]
                mine += await self._telling(keys, named)
                if mine:
                    removed += int(await self._client.unlink(*mine))
        return removed

    async def _telling(self, keys: Sequence[bytes], named: "re.Pattern[bytes]") -> list[bytes]:
        """Keys that are named after something else, but whose content tells of the person."""
        asked = [key for key in keys if key.startswith(DECISIONS) or MERGES.fullmatch(key)]
        pipeline = self._client.pipeline(transaction=False)
        for key in asked:
            (pipeline.get if key.startswith(DECISIONS) else pipeline.hvals)(key)  # type: ignore[arg-type]
        contents = await pipeline.execute() if asked else []
        return [key for key, content in zip(asked, contents, strict=True) if named.search(_bytes(content))]

    async def _set_apart_from(self, subject: Subject) -> int:
        """Whoever was once taken for the same person still says what was not theirs; so does whom they went into."""
        traces, removed = pattern_of(subject.traces), 0
        # By name as well: a short value is no trace that may be looked for anywhere else.
        refused = {f"d:{identifier_field(each)}" for each in subject.identifiers}
        for pair in await answer_of(self._client.smembers(APART)):
            if not traces.search(pair):
                continue
            customers = pair.decode().split()
            while customers:
                key = customer_key(customers.pop())
                fields = [field.decode() for field in await answer_of(self._client.hkeys(key))]
                mine = [field for field in fields if field in refused or traces.search(field.encode())]
                if mine and not traces.search(key.encode()):
                    removed += int(await answer_of(self._client.hdel(key, *mine)))
                into = await answer_of(self._client.hget(key, "into"))
                customers += [into.decode()] if into else []
            await answer_of(self._client.srem(APART, pair))
        return removed


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


async def _scan(client: Redis) -> AsyncIterator[list[bytes]]:
    cursor = 0
    while True:
        cursor, keys = await client.scan(cursor, count=SCANNED)
        yield keys
        if not int(cursor):
            return


def _bytes(content: bytes | list[bytes] | None) -> bytes:
    return b" ".join(content) if isinstance(content, list) else content or b""
