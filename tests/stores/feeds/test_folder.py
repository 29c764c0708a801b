"""Moving the dates of a folder to yesterday."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from rtp.errors import Rejected
from rtp.settings import checkout_root
from rtp.stores.feeds.folder import load_folder
from rtp.stores.lake import Lake

SAMPLE = checkout_root() / "tests" / "data" / "sample"
NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def one(lake: Lake, table: str, expression: str) -> object:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(f"SELECT {expression} FROM '{lake.feed(table)}/*.parquet'").fetchall()[0][0]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_the_sample_loads_whole(lake: Lake) -> None:
    report = load_folder(lake, SAMPLE, now=NOW)
    assert report.quarantined == 0
    assert report.loaded > 9_000
    assert report.ignored_files == []
    assert one(lake, "order_lines", "bool_and(_simulated)") is True


def test_moved_orders_keep_their_weekday_and_lie_before_today(lake: Lake) -> None:
    load_folder(lake, SAMPLE, now=NOW, shift_to_yesterday=True)
    newest = one(lake, "order_lines", "max(ordered_at)")
    assert isinstance(newest, datetime)
    assert NOW.date() - timedelta(days=7) <= newest.date() < NOW.date()
    assert newest.strftime("%A") == "Sunday"
    moved = "max(CAST(json_extract_string(raw, '$.timestamp') AS TIMESTAMPTZ) - occurred_at)"
    assert one(lake, "events", moved) == timedelta(0)
    assert one(lake, "customers", "max(birth_date) < DATE '2005-01-01'") is True


def test_stock_is_counted_yesterday_and_a_later_load_counts_anew_without_moving_orders(lake: Lake) -> None:
    load_folder(lake, SAMPLE, now=NOW, shift_to_yesterday=True)
    orders = one(lake, "order_lines", "max(ordered_at)"), one(lake, "order_lines", "count(*)")
    later = NOW + timedelta(days=10)
    load_folder(lake, SAMPLE, now=later, shift_to_yesterday=True)
    assert (one(lake, "order_lines", "max(ordered_at)"), one(lake, "order_lines", "count(*)")) == orders
    assert one(lake, "inventory", "max(counted_at)::DATE") == later.date() - timedelta(days=1)
    assert one(lake, "inventory", "count(*)") == 360


@pytest.mark.parametrize("shift_first", [True, False])
def test_one_folder_with_two_sets_of_dates_is_refused(lake: Lake, shift_first: bool) -> None:
    load_folder(lake, SAMPLE, now=NOW, shift_to_yesterday=shift_first)
    with pytest.raises(Rejected, match="was loaded with"):
        load_folder(lake, SAMPLE, now=NOW, shift_to_yesterday=not shift_first)
    again = load_folder(lake, SAMPLE, now=NOW, shift_to_yesterday=shift_first)
    assert {table.status for table in again.tables} == {"skipped"}
