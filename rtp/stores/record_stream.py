"""Plain streams of records that only the archive reads: decisions, activations, rejected events."""

from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from rtp.signals.rejection import Rejection
from rtp.stores.outage import outage_is_retryable

_encode = msgspec.json.Encoder().encode


def record_stream_key(name: str) -> str:
    """The stream of "decisions", "activations" or "rejected"."""
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


class RedisRejectedLog(RecordStream):
    """RejectedLog: what was refused, with its reason, until it is archived."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client, "rejected")

    async def append(self, records: Sequence[Rejection]) -> None:
        """See RejectedLog."""
        await super().append(records)
