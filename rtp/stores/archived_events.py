"""The archive's events read back: as they were in the log, in its order."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from rtp.clock import to_micros
from rtp.profile.replay import Archived
from rtp.signals.event import Event, LogEntry
from rtp.stores.lake import Lake
from rtp.stores.lake_queries import archive_files

EVENT_COLUMNS = (
    "message_id, type, name, occurred_at, received_at, user_id, anonymous_id, properties, traits, context, source, gpc"
)
"""What :func:`archived_event` is made of."""
AT_ONCE = 2_000

_QUERY = f"""
SELECT partition, position, partition_key,
       coalesce(verdict, CASE WHEN duplicate THEN 'duplicate' ELSE 'applied' END), coalesce(fragment, ''),
       {EVENT_COLUMNS}
FROM read_parquet($files, union_by_name = true, hive_partitioning = false)
WHERE ($partition IS NULL OR partition = $partition)
  AND ($keys IS NULL OR partition_key IN (SELECT unnest($keys)))
ORDER BY partition, split_part(position, '-', 1)::BIGINT, split_part(position, '-', 2)::BIGINT
"""


def archived_events(
    lake: Lake, *, partition: int | None = None, partition_keys: Sequence[str] | None = None
) -> Iterator[Archived]:
    """Rows of one partition, or of some partition keys, oldest first: what rtp.profile.replay takes.

    Rows archived before verdicts were kept count as duplicates where they were not applied.
    """
    import duckdb

    files = archive_files(lake)
    if not files:
        return
    keys = None if partition_keys is None else list(partition_keys)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(_QUERY, {"files": files, "partition": partition, "keys": keys})
        while rows := found.fetchmany(AT_ONCE):
            for row in rows:
                yield Archived(LogEntry(row[0], row[1], row[2], archived_event(row[5:])), row[3], row[4])


def archived_event(row: Sequence[Any]) -> Event:
    """The event of a row's EVENT_COLUMNS."""
    return Event(
        message_id=row[0],
        type=row[1],
        name=row[2] or "",
        occurred_at=to_micros(row[3]),
        received_at=to_micros(row[4]),
        user_id=row[5],
        anonymous_id=row[6],
        properties=msgspec.json.decode(row[7] or "{}"),
        traits=msgspec.json.decode(row[8] or "{}"),
        context=msgspec.json.decode(row[9] or "{}"),
        source=row[10] or "default",
        gpc=bool(row[11]),
    )
