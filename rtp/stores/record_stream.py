"""Plain streams of records that only the archive reads: decisions, activations, rejected events, stock movements."""

from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from rtp.signals.rejection import Rejection
from rtp.stores.outage import outage_is_retryable
from rtp.stores.scripts import Script

_encode = msgspec.json.Encoder().encode
CHUNK = 500
"""Records one script call stores."""
MOST_WAITING = 100_000


def record_stream_key(name: str) -> str:
    """The stream of "decisions", "activations", "rejected" or "movements"."""
    return f"rtp:{{{name}}}"


class RecordStream:
    """Appends msgspec records, durably before it returns; field `d` holds their JSON."""

    def __init__(self, client: Redis, name: str) -> None:
        self._client = client
        self._key = record_stream_key(name)

    async def append(self, records: Sequence[Any]) -> None:
        """Stores records in one round trip. Raises Retryable; then some may have been stored."""
        pipeline = self._client.pipeline(transaction=False)
        for record in records:
            pipeline.xadd(self._key, {"d": _encode(record)})
        pipeline.incrby(f"{self._key}:count", len(records))
        with outage_is_retryable("storing records"):
            await pipeline.execute()

    async def count(self) -> int:
        """How many records were ever stored."""
        with outage_is_retryable("counting records"):
            return int(await self._client.get(f"{self._key}:count") or 0)


_APPEND_ONCE = Script("""
-- KEYS: the stream, its count, ids of the last day. ARGV: most entries of the stream; then id and record, by twos.
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then
  return redis.error_reply('BACKPRESSURE too many rejected events wait for the archive')
end
local stored, at = 0, 0
for i = 2, #ARGV, 2 do
  if not redis.call('ZSCORE', KEYS[3], ARGV[i]) then
    at = tonumber(string.match(redis.call('XADD', KEYS[1], '*', 'd', ARGV[i + 1]), '^%d+'))
    redis.call('ZADD', KEYS[3], at, ARGV[i])
    stored = stored + 1
  end
end
if stored > 0 then
  redis.call('INCRBY', KEYS[2], stored)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', at - 86400000)
end
return stored
""")


class RedisRejectedLog(RecordStream):
    """RejectedLog: what was refused, with its reason, until it is archived."""

    def __init__(self, client: Redis, *, max_entries: int = MOST_WAITING) -> None:
        """With `max_entries` or more that are not archived yet it takes no more: nothing is lost, senders wait."""
        super().__init__(client, "rejected")
        self._max_entries = max_entries

    async def append(self, records: Sequence[Rejection]) -> None:
        """See RejectedLog. What is rejected again more than a day later is stored again, under the same id."""
        keys = [self._key, f"{self._key}:count", f"{self._key}:ids"]
        chunks = [records[start : start + CHUNK] for start in range(0, len(records), CHUNK)]
        calls = [(keys, [self._max_entries, *_by_twos(chunk)]) for chunk in chunks]
        with outage_is_retryable("storing rejected events"):
            await _APPEND_ONCE.call_many(self._client, calls)


def _by_twos(rejections: Sequence[Rejection]) -> list[str | bytes]:
    return [part for each in rejections for part in (each.rejection_id, _encode(each))]
