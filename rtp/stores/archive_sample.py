"""A sample of the archive: some customers, their events, and how far it reaches."""

from collections.abc import Sequence

from rtp.profile.fragment import Position
from rtp.profile.replay import Archived
from rtp.signals.event import LogEntry, position_order
from rtp.stores.archived_events import EVENT_COLUMNS, archived_event
from rtp.stores.lake import Lake
from rtp.stores.lake_queries import read_archive

_PLACE = "split_part(position, '-', 1)::BIGINT, split_part(position, '-', 2)::BIGINT"
_ROWS = f"""
SELECT partition, position, partition_key,
       coalesce(verdict, CASE WHEN duplicate THEN 'duplicate' ELSE 'applied' END), coalesce(fragment, ''),
       {EVENT_COLUMNS}
FROM {{events}} AS events
WHERE partition_key IN (SELECT unnest($keys))
ORDER BY partition, {_PLACE}
"""
_REACH = f"""
SELECT partition, arg_max(position, ({_PLACE})) FROM {{events}} AS events WHERE position <> '' GROUP BY partition
"""
_CUSTOMERS = """
SELECT customer_id FROM {events} AS events
WHERE NOT coalesce(duplicate, false) AND customer_id IS NOT NULL
GROUP BY customer_id
ORDER BY hash(customer_id || $draw), customer_id
LIMIT $count
"""


def archived_of(lake: Lake, partition_keys: Sequence[str]) -> list[Archived]:
    """All archived events of some partition keys, in log order. Raises Retryable."""
    rows = read_archive(lake, _ROWS, ["events"], {"keys": list(partition_keys)})
    return [Archived(LogEntry(row[0], row[1], row[2], archived_event(row[5:])), row[3], row[4]) for row in rows]


def archived_up_to(lake: Lake) -> dict[int, Position]:
    """The last position of each partition of the log that the archive holds. Raises Retryable."""
    return {partition: position_order(position) for partition, position in read_archive(lake, _REACH, ["events"])}


def some_customers(lake: Lake, count: int, *, draw: str) -> list[str]:
    """At most so many customers of the archive, drawn evenly; another `draw` gives others. Raises Retryable."""
    rows = read_archive(lake, _CUSTOMERS, ["events"], {"count": count, "draw": draw})
    return [customer_id for (customer_id,) in rows]
