"""The outbox in Redis: rows in a hash, their due times in a sorted set, all under one hash tag."""

import hashlib
from typing import Literal

import msgspec
from redis.asyncio import Redis

from rtp.activation.outbox import DropReason, OutboxRow
from rtp.stores.outage import outage_is_retryable
from rtp.stores.scripts import Script

ROWS, DUE, DEAD = "rtp:{outbox}:rows", "rtp:{outbox}:due", "rtp:{outbox}:dead"
REMEMBER_SECONDS = 604_800
"""How long an activation's id is remembered after it was added."""
MOST_DEAD = 100_000


def _encode(row: OutboxRow) -> str:
    return msgspec.json.encode(row).decode()


_decode = msgspec.json.Decoder(OutboxRow).decode

# Of two activations that race for one shopper's cooldown the first gets it; a repeated one changes nothing.
_ADD = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('SET', KEYS[1], '1', 'EX', ARGV[1])
if ARGV[5] ~= '0' then redis.call('SET', KEYS[2], '1', 'EX', ARGV[5]) end
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[4], ARGV[4], ARGV[2])
return 1
""")

_CLAIM = Script("""
local rows = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local row = redis.call('HGET', KEYS[1], id)
  if row then
    redis.call('ZADD', KEYS[2], ARGV[2], id)
    rows[#rows + 1] = id
    rows[#rows + 1] = row
  else
    redis.call('ZREM', KEYS[2], id)
  end
end
return rows
""")


class RedisOutbox:
    """Outbox on Redis."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def begin(
        self, activation_id: str, *, trigger_id: str, customer_id: str
    ) -> Literal["go", "cooling", "known"]:
        """See Outbox."""
        with outage_is_retryable("asking the outbox"):
            pipeline = self._client.pipeline(transaction=False)
            pipeline.exists(_seen(activation_id))
            pipeline.exists(_cooldown(trigger_id, customer_id))
            known, cooling = await pipeline.execute()
        return "known" if known else "cooling" if cooling else "go"

    async def add(self, row: OutboxRow, *, due: int, cooldown_seconds: int) -> bool:
        """See Outbox."""
        keys = [_seen(row.activation_id), _cooldown(row.trigger_id, row.customer_id), ROWS, DUE]
        arguments = [REMEMBER_SECONDS, row.activation_id, _encode(row), due, cooldown_seconds]
        with outage_is_retryable("adding to the outbox"):
            return bool(await _ADD.call(self._client, keys, arguments))

    async def claim(self, *, now: int, lease_seconds: float, count: int) -> list[OutboxRow]:
        """See Outbox."""
        until = now + int(lease_seconds * 1_000_000)
        with outage_is_retryable("reading the outbox"):
            found = await _CLAIM.call(self._client, [ROWS, DUE], [now, until, count])
            rows = [await self._readable(key, raw) for key, raw in zip(found[::2], found[1::2], strict=True)]
        return [row for row in rows if row is not None]

    async def _readable(self, activation_id: bytes, raw: bytes) -> OutboxRow | None:
        """The row; one that another version of this program wrote, and that cannot be read, is set aside."""
        try:
            return _decode(raw)
        except msgspec.DecodeError:
            await self._set_aside(activation_id.decode(), raw, "UNREADABLE")
            return None

    async def _set_aside(self, activation_id: str, raw: bytes | str, reason: str) -> None:
        pipeline = self._client.pipeline(transaction=True)
        pipeline.xadd(DEAD, {"d": raw, "reason": reason}, maxlen=MOST_DEAD)
        pipeline.zrem(DUE, activation_id)
        pipeline.hdel(ROWS, activation_id)
        await pipeline.execute()

    async def retry(self, row: OutboxRow, *, due: int) -> None:
        """See Outbox."""
        with outage_is_retryable("putting back into the outbox"):
            pipeline = self._client.pipeline(transaction=True)
            pipeline.hset(ROWS, row.activation_id, _encode(row))
            pipeline.zadd(DUE, {row.activation_id: due})
            await pipeline.execute()

    async def settle(self, row: OutboxRow) -> None:
        """See Outbox."""
        with outage_is_retryable("settling in the outbox"):
            pipeline = self._client.pipeline(transaction=True)
            pipeline.zrem(DUE, row.activation_id)
            pipeline.hdel(ROWS, row.activation_id)
            await pipeline.execute()

    async def bury(self, row: OutboxRow, reason: DropReason) -> None:
        """See Outbox."""
        with outage_is_retryable("burying a dead letter"):
            await self._set_aside(row.activation_id, _encode(row), reason)

    async def stop(self, destination_url: str, *, seconds: int) -> None:
        """See Outbox."""
        with outage_is_retryable("stopping a destination"):
            await self._client.set(_stopped(destination_url), "1", ex=seconds)

    async def stopped(self, destination_url: str) -> bool:
        """See Outbox."""
        with outage_is_retryable("asking the outbox"):
            return bool(await self._client.exists(_stopped(destination_url)))

    async def depth(self) -> int:
        """See Outbox."""
        with outage_is_retryable("asking the outbox"):
            return int(await self._client.zcard(DUE))

    async def dead(self) -> list[tuple[bytes, str]]:
        """The dead letters as JSON, oldest first, with the reason of each."""
        with outage_is_retryable("reading the dead letters"):
            entries = await self._client.xrange(DEAD)
        return [(fields[b"d"], fields[b"reason"].decode()) for _, fields in entries]


def _seen(activation_id: str) -> str:
    return f"rtp:{{outbox}}:seen:{activation_id}"


def _cooldown(trigger_id: str, customer_id: str) -> str:
    return f"rtp:{{outbox}}:cooldown:{trigger_id}:{customer_id}"


def _stopped(url: str) -> str:
    # An address may hold a token: the key shows only its digest.
    return f"rtp:{{outbox}}:stopped:{hashlib.blake2b(url.encode(), digest_size=16).hexdigest()}"
