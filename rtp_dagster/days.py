"""The day as a unit: partitions by UTC day, and which runs work on one day or on all of them."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import dagster as dg

from rtp.errors import Rejected
from rtp.settings import Settings
from rtp.stores.lake_facts import first_day_of

PARTITION_TAG = "dagster/partition"
RANGE_START_TAG, RANGE_END_TAG = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
SCOPE_TAG = "rtp/scope"
"""On a run: "all" builds whatever is new, on any day; without it a run works on its partition's day."""
ALL = "all"
HISTORY_DAYS = 365
"""Where partitions begin while nothing is loaded."""


def day_partitions(settings: Settings, today: date) -> dg.DailyPartitionsDefinition:
    """One partition a UTC day, from the first day of the loaded orders to today inclusive."""
    first = first_day_of(settings.lake_dir / "feeds" / "order_lines", "ordered_at")
    start = first or today - timedelta(days=HISTORY_DAYS)
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), end_offset=1)


def day_asked(tags: Mapping[str, str]) -> date | None:
    """The day that a run takes anew; None where it takes whatever is new, on any day.

    A backfill from the UI says its one day as a range. Raises Rejected for a range of several.
    """
    if tags.get(SCOPE_TAG) == ALL:
        return None
    first, last = (tags.get(PARTITION_TAG) or tags.get(tag) for tag in (RANGE_START_TAG, RANGE_END_TAG))
    if first != last:
        raise Rejected(
            f"{first} to {last} are several days, and a run takes one.",
            reason="SEVERAL_DAYS",
            hint="Launch a backfill: it makes a run a day. `rtp build` takes everything that is new.",
        )
    return date.fromisoformat(first) if first else None


def run_tags(day: date | None, today: date) -> dict[str, str]:
    """The tags of a run of one day, or of everything new (filed under today)."""
    if day is not None:
        return {PARTITION_TAG: day.isoformat()}
    return {PARTITION_TAG: today.isoformat(), SCOPE_TAG: ALL}


def covered(
    instance: dg.DagsterInstance, days: dg.PartitionsDefinition[str], keys: Iterable[dg.AssetKey], most: int
) -> list[dg.AssetMaterialization]:
    """Marks for days that a run of everything built and no mark says so yet: newest first, at most `most`."""
    known = days.get_partition_keys()
    missing = [
        dg.AssetMaterialization(key, partition=day, description="Built with all days.")
        for key in sorted(keys)
        if instance.get_latest_materialization_event(key)
        for day in set(known) - instance.get_materialized_partitions(key)
    ]
    return sorted(missing, key=lambda mark: str(mark.partition), reverse=True)[:most]
