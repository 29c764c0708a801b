"""The archive's events read back: as they were in the log, in its order."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rtp.clock import to_micros
from rtp.profile.replay import Archived
from rtp.signals.event import Event, LogEntry
from rtp.stores.lake import Lake
from rtp.stores.lake_queries import stream_archive

EVENT_COLUMNS = (
    "message_id, type, name, occurred_at, received_at, user_id, anonymous_id, properties, traits, context, source, gpc"
)
"""What :func:`archived_event` is made of."""
_ROWS = f"""
SELECT partition, position, partition_key,
       coalesce(verdict, CASE WHEN duplicate THEN 'duplicate' ELSE 'applied' END), coalesce(fragment, ''),
       {EVENT_COLUMNS}
FROM {{events}}
"""
_LOG_ORDER = "split_part(position, '-', 1)::BIGINT, split_part(position, '-', 2)::BIGINT"

_QUERY = f"""
{_ROWS}
WHERE ($partition IS NULL OR partition = $partition)
  AND ($keys IS NULL OR partition_key IN (SELECT unnest($keys)))
ORDER BY partition, {_LOG_ORDER}
"""

_OF_WINDOW = f"""
{_ROWS}
WHERE partition = $partition AND partition_key IN (
  SELECT DISTINCT partition_key FROM {{events}}
  WHERE partition = $partition AND ($since IS NULL OR received_at >= make_timestamptz($since::BIGINT))
    AND ($until IS NULL OR received_at < make_timestamptz($until::BIGINT))
)
ORDER BY partition_key, {_LOG_ORDER}
"""

_NEWEST = f"""
{_ROWS}
WHERE received_at >= make_timestamptz($since::BIGINT)
  AND ($kind IS NULL OR lower(type) = $kind OR lower(name) = $kind)
  AND ($keys IS NULL OR partition_key IN (SELECT unnest($keys)) AND
       coalesce(fragment, partition_key) IN (SELECT unnest($fragments)))
ORDER BY received_at DESC, {_LOG_ORDER.replace("BIGINT,", "BIGINT DESC,")} DESC
LIMIT $limit
"""

_AT = f"{_ROWS} WHERE (partition, position) IN (SELECT unnest($partitions), unnest($positions))"


def archived_events(
    lake: Lake, *, partition: int | None = None, partition_keys: Sequence[str] | None = None
) -> Iterator[Archived]:
    """Rows of one partition, or of some partition keys, oldest first: what rtp.profile.replay takes.

    Rows archived before verdicts were kept count as duplicates where they were not applied.
    """
    keys = None if partition_keys is None else list(partition_keys)
    return _archived(stream_archive(lake, _QUERY, ["events"], {"partition": partition, "keys": keys}))


def archived_of_window(
    lake: Lake, partition: int, *, since: int | None, until: int | None, spill: Path
) -> Iterator[Archived]:
    """All rows of the partition keys that had an event received in [since, until) (microseconds), key by key."""
    values = {"partition": partition, "since": since, "until": until}
    return _archived(stream_archive(lake, _OF_WINDOW, ["events"], values, spill=spill))


def archived_at(lake: Lake, places: Sequence[tuple[int, str]]) -> Iterator[Archived]:
    """The rows at these (partition, position), as far as they are archived."""
    values = {"partitions": [place[0] for place in places], "positions": [place[1] for place in places]}
    return _archived(stream_archive(lake, _AT, ["events"], values))


def newest_archived(
    lake: Lake, *, since: int, limit: int, kind: str | None, fragments: Sequence[str] | None
) -> Iterator[Archived]:
    """The last rows received since then (microseconds), newest first; of one type or name, or of some fragments."""
    keys = None if fragments is None else sorted({each.partition(".")[0] for each in fragments})
    values = {"since": since, "limit": limit, "kind": kind, "keys": keys, "fragments": fragments and list(fragments)}
    return _archived(stream_archive(lake, _NEWEST, ["events"], values))


def _archived(rows: Iterator[tuple[Any, ...]]) -> Iterator[Archived]:
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
