"""What a run is told about days."""

from datetime import date

import dagster as dg
import pytest

from rtp.errors import Rejected
from rtp_dagster.days import covered, day_asked, run_tags

DAY, TODAY = date(2026, 3, 1), date(2026, 3, 4)


def test_a_run_of_one_day_takes_that_day_anew() -> None:
    assert day_asked(run_tags(DAY, TODAY)) == DAY


def test_a_run_of_all_days_takes_what_is_new_and_is_filed_under_today() -> None:
    tags = run_tags(None, TODAY)
    assert tags["dagster/partition"] == "2026-03-04"
    assert day_asked(tags) is None


def test_a_backfill_of_one_day_says_it_as_a_range() -> None:
    tags = {"dagster/asset_partition_range_start": "2026-03-01", "dagster/asset_partition_range_end": "2026-03-01"}
    assert day_asked(tags) == DAY
    with pytest.raises(Rejected, match="several days"):
        day_asked(tags | {"dagster/asset_partition_range_end": "2026-03-02"})


def test_days_that_a_run_covered_are_marked_newest_first_and_once() -> None:
    days = dg.DailyPartitionsDefinition("2026-03-01", end_date="2026-03-05")
    built, never = dg.AssetKey(["dbt", "built"]), dg.AssetKey(["dbt", "never"])
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(built, partition="2026-03-04"))
        first = covered(instance, days, [built, never], most=2)
        assert [(mark.asset_key, mark.partition) for mark in first] == [(built, "2026-03-03"), (built, "2026-03-02")]
        for mark in first:
            instance.report_runless_asset_event(mark)
        assert [mark.partition for mark in covered(instance, days, [built, never], most=2)] == ["2026-03-01"]
