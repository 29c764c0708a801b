"""Stock in Redis: one key per (store, product), changed by compare-and-set; one mirror hash per store.

    rtp:stock:{<store>}:<product>   16 hexadecimal digits of version, then the state in MessagePack
    rtp:stock:{<store>}             the mirror: product -> Availability in MessagePack

A store's keys share a slot, so one script sets positions and their mirror together, in Redis Cluster too.
"""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rtp.errors import Retryable
from rtp.inventory.available import Availability, availability
from rtp.inventory.ledger import Change, Pair, StockLedger
from rtp.inventory.live import StockListener
from rtp.inventory.state import StockState
from rtp.stores.scripts import Script

Write = tuple[str, int, StockState]
"""Product, version read, state to set."""

# KEYS: the store's mirror, then positions. ARGV for each: version read, new value, product, new mirror field.
COMPARE_AND_SET = Script("""
local answers = {}
for index = 2, #KEYS do
  local at = (index - 2) * 4
  if redis.call('GETRANGE', KEYS[index], 0, 15) == ARGV[at + 1] then
    redis.call('SET', KEYS[index], ARGV[at + 2])
    redis.call('HSET', KEYS[1], ARGV[at + 3], ARGV[at + 4])
    answers[index - 1] = 1
  else
    answers[index - 1] = 0
  end
end
return answers
""")

ATTEMPTS = 50
KEYS_A_SCRIPT = 500
VERSION_BYTES = 16

_encode = msgspec.msgpack.Encoder().encode
_state = msgspec.msgpack.Decoder(StockState).decode
_summary = msgspec.msgpack.Decoder(Availability).decode


class RedisStock(StockLedger):
    """The StockStore on Redis, for any number of processes."""

    def __init__(self, client: Redis, *, freshness: int, listener: StockListener | None = None) -> None:
        super().__init__(freshness=freshness, listener=listener)
        self._client = client

    async def _summaries(self, store_id: str, product_ids: Sequence[str]) -> list[Availability | None]:
        command = self._client.hmget(mirror_key(store_id), list(product_ids))
        with reachable():
            values = await cast("Awaitable[list[bytes | None]]", command)
        return [_summary(value) if value else None for value in values]

    async def _all_summaries(self, store_id: str) -> Mapping[str, Availability]:
        with reachable():
            found = await cast("Awaitable[dict[bytes, bytes]]", self._client.hgetall(mirror_key(store_id)))
        return {product.decode(): _summary(value) for product, value in found.items()}

    async def _update(self, changes: Mapping[Pair, Change], *, now: int) -> dict[Pair, StockState]:
        """Reads, changes and sets each position, again where somebody else was faster."""
        pending, changed = dict(changes), dict[Pair, StockState]()
        for _ in range(ATTEMPTS):
            settled = await self._attempt(pending, now)
            changed |= {pair: state for pair, state in settled.items() if state is not None}
            pending = {pair: change for pair, change in pending.items() if pair not in settled}
            if not pending:
                return changed
        raise Retryable("Too many change the same stock at once.", hint="Send the same request again.")

    async def _attempt(self, changes: Mapping[Pair, Change], now: int) -> dict[Pair, StockState | None]:
        """One read and compare-and-set each; gives those that are settled, with None where nothing changed."""
        pairs = list(changes)
        settled: dict[Pair, StockState | None] = {}
        writes: dict[str, list[Write]] = {}
        for pair, before in zip(pairs, await self._read(pairs), strict=True):
            after = changes[pair](before)
            if after is before:
                settled[pair] = None
            else:
                after = msgspec.structs.replace(after, version=before.version + 1)
                writes.setdefault(pair[0], []).append((pair[1], before.version, after))
        return settled | dict(await self._set(writes, now))

    async def _set(self, writes: dict[str, list[Write]], now: int) -> list[tuple[Pair, StockState]]:
        """Compares and sets, store by store in one round trip; gives those that nobody else had changed."""
        parts = [
            (store_id, rows[start : start + KEYS_A_SCRIPT])
            for store_id, rows in writes.items()
            for start in range(0, len(rows), KEYS_A_SCRIPT)
        ]
        if not parts:
            return []
        with reachable():
            answers = await COMPARE_AND_SET.call_many(self._client, [script_call(*part, now) for part in parts])
        return [
            ((store_id, product_id), state)
            for (store_id, rows), flags in zip(parts, answers, strict=True)
            for (product_id, _, state), flag in zip(rows, flags, strict=True)
            if flag
        ]

    async def _read(self, pairs: Sequence[Pair]) -> list[StockState]:
        by_store: dict[str, list[str]] = {}
        for store_id, product_id in pairs:
            by_store.setdefault(store_id, []).append(product_id)
        pipeline = self._client.pipeline(transaction=False)
        for store_id, products in by_store.items():
            pipeline.mget([stock_key(store_id, product_id) for product_id in products])
        with reachable():
            answers = await pipeline.execute()
        found = {
            (store_id, product_id): _state(value[VERSION_BYTES:]) if value else StockState()
            for (store_id, products), values in zip(by_store.items(), answers, strict=True)
            for product_id, value in zip(products, values, strict=True)
        }
        return [found[pair] for pair in pairs]


def stock_key(store_id: str, product_id: str) -> str:
    """The key of one position."""
    return f"rtp:stock:{{{store_id}}}:{product_id}"


def mirror_key(store_id: str) -> str:
    """The key of a store's mirror."""
    return f"rtp:stock:{{{store_id}}}"


def script_call(store_id: str, rows: Sequence[Write], now: int) -> tuple[list[str], list[str | bytes]]:
    """Keys and arguments of the script for some positions of one store."""
    keys, arguments = [mirror_key(store_id)], list[str | bytes]()
    for product_id, version, state in rows:
        keys.append(stock_key(store_id, product_id))
        arguments += [
            f"{version:016x}" if version else "",
            b"%016x" % state.version + _encode(state),
            product_id,
            _encode(availability(state, now)),
        ]
    return keys, arguments


@contextmanager
def reachable() -> Iterator[None]:
    """Turns a lost connection into Retryable: every call here may be made again."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise Retryable(
            f"Redis does not answer: {error}.", hint="Nothing is lost; send the same request again."
        ) from error
