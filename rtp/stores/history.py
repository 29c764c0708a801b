"""History out of the lake and the log: archived events by DuckDB, the rest from the end of their partition."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from rtp.identity.keys import partition_of
from rtp.profile.history import PastEvent
from rtp.signals.event import EventType
from rtp.signals.log import read_verdict
from rtp.stores.archived_events import EVENT_COLUMNS, archived_event
from rtp.stores.event_log_redis import decode_entry, stream_key, verdicts_key
from rtp.stores.lake import Lake
from rtp.stores.lake_queries import archive_files
from rtp.stores.outage import outage_is_retryable

LOOK_BACK = 5_000
"""Entries at the end of a partition that are searched for what the archive does not have yet."""

_QUERY = f"""
SELECT partition, position, customer_id, {EVENT_COLUMNS}
FROM read_parquet($files, union_by_name = true, hive_partitioning = false)
WHERE partition_key IN (SELECT unnest($keys)) AND NOT coalesce(duplicate, false) AND customer_id IS NOT NULL
  AND ($kind IS NULL OR type = $kind)
ORDER BY received_at DESC, position DESC
LIMIT $limit
"""

Place = tuple[int, str]
"""Partition and position: what an event is known by in the log and in the archive alike."""


class LakeAndLogHistory:
    """History on the Parquet lake and Redis Streams. Tens of milliseconds: for people, not for pages."""

    def __init__(self, client: Redis, lake: Lake, *, partitions: int) -> None:
        self._client = client
        self._lake = lake
        self._partitions = partitions

    async def events(
        self, partition_keys: Sequence[str], *, limit: int, kind: EventType | None = None
    ) -> list[PastEvent]:
        """See History."""
        found = await asyncio.to_thread(self._archived, list(partition_keys), limit, kind)
        for partition in sorted({partition_of(key, self._partitions) for key in partition_keys}):
            found |= await self._unarchived(partition, set(partition_keys), kind)
        newest = sorted(found.values(), key=lambda each: each.event.received_at, reverse=True)
        return newest[:limit]

    async def attributes(self, customer_id: str) -> dict[str, Any]:
        """See History."""
        text = await asyncio.to_thread(self._attributes, customer_id)
        return msgspec.json.decode(text, type=dict[str, Any]) if text else {}

    async def _unarchived(self, partition: int, keys: set[str], kind: EventType | None) -> dict[Place, PastEvent]:
        with outage_is_retryable("reading the event log"):
            rows = await self._client.xrevrange(stream_key(partition), count=LOOK_BACK)
            mine = [(position, fields) for position, fields in rows if fields[b"k"].decode() in keys]
            if not mine:
                return {}
            verdicts = await self._client.hmget(verdicts_key(partition), [position for position, _ in mine])  # type: ignore[misc]
        found: dict[Place, PastEvent] = {}
        for (position, fields), verdict in zip(mine, verdicts, strict=True):
            entry = decode_entry(partition, position, fields)
            settled = read_verdict((verdict or b"").decode(), entry.partition_key)
            if settled.counted == "applied" and settled.customer_id and kind in {None, entry.event.type}:
                found[partition, entry.position] = PastEvent(entry.event, settled.customer_id)
        return found

    def _archived(self, keys: list[str], limit: int, kind: EventType | None) -> dict[Place, PastEvent]:
        import duckdb

        files = archive_files(self._lake)
        if not files:
            return {}
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            rows = connection.execute(_QUERY, {"files": files, "keys": keys, "kind": kind, "limit": limit}).fetchall()
        return {(row[0], row[1]): PastEvent(archived_event(row[3:]), row[2]) for row in rows}

    def _attributes(self, customer_id: str) -> str | None:
        import duckdb

        mart = self._lake.mart("customer_profile")
        if not mart.exists():
            return None
        with duckdb.connect() as connection:
            row = connection.execute(
                "SELECT attributes FROM read_parquet($file) WHERE customer_id = $customer",
                {"file": str(mart), "customer": customer_id},
            ).fetchone()
        return str(row[0]) if row and row[0] else None
