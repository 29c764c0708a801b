"""Live features as they were, out of the archive."""

from collections import defaultdict
from collections.abc import Sequence

from rtp.features.past import rows_at
from rtp.features.values import FeatureRow
from rtp.signals.event import Event
from rtp.stores.archived_events import EVENT_COLUMNS, archived_event
from rtp.stores.lake import Lake
from rtp.stores.lake_queries import read_archive

_HISTORY = f"""
WITH counted AS (SELECT * FROM {{events}} AS events WHERE NOT coalesce(duplicate, false) AND customer_id IS NOT NULL),
devices AS (
    SELECT anonymous_id, any_value(customer_id) AS owner FROM counted
    WHERE anonymous_id IS NOT NULL AND user_id IS NOT NULL
    GROUP BY anonymous_id HAVING count(DISTINCT customer_id) = 1
)
SELECT coalesce(CASE WHEN user_id IS NULL THEN owner END, customer_id) AS whose, {EVENT_COLUMNS}
FROM counted LEFT JOIN devices USING (anonymous_id)
WHERE whose IN (SELECT unnest($customers))
"""


def archived_live_rows(lake: Lake, asked: Sequence[tuple[str, int]]) -> list[FeatureRow]:
    """See rtp.features.past.LiveRows. What somebody did before they signed in, on a device of theirs alone, is theirs.

    Raises Retryable.
    """
    moments: dict[str, list[int]] = defaultdict(list)
    for customer_id, moment in asked:
        moments[customer_id].append(moment)
    events: dict[str, list[Event]] = defaultdict(list)
    for customer_id, *row in read_archive(lake, _HISTORY, ["events"], {"customers": list(moments)}):
        events[customer_id].append(archived_event(row))
    rows = {
        (customer_id, moment): row
        for customer_id, known in events.items()
        for moment, row in zip(moments[customer_id], rows_at(known, moments[customer_id]), strict=True)
    }
    return [rows.get(pair, {}) for pair in asked]
