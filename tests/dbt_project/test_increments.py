"""Builds after the first: repeated, of one day, with late, corrected and vanished rows, and over broken data."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from rtp.errors import Rejected
from rtp.settings import Settings
from rtp.signals.feeds import CONTRACTS
from rtp.signals.feeds.schema_sql import columns_and_types
from rtp.stores.lake import Lake
from rtp.stores.warehouse import connect
from rtp.stores.warehouse_build import BuildResult, build_warehouse
from tests.dbt_project.conftest import CUSTOMER, LAST_DAY, ask, settings_in
from tests.dbt_project.lake_rows import Row, decision, event, write_archive, write_parquet

NEXT_DAY = date(2026, 6, 30)
"""The day after everything that the shared build knows."""


def contents(settings: Settings) -> dict[str, object]:
    """Row count and an order-free checksum of every table that is built, and of order_line."""
    with connect(settings) as connection:
        built = connection.execute("""
            SELECT table_schema || '.' || table_name FROM information_schema.tables
            WHERE table_schema IN ('marts', 'intermediate') AND table_type = 'BASE TABLE'
        """).fetchall()
        return {
            table: connection.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {table} AS t").fetchone()
            for table in ["marts.order_line", *(row[0] for row in built)]
        }


def write_lines(settings: Settings, name: str, rows: list[Row]) -> Path:
    path = Lake(settings.lake_dir).feed("order_lines") / f"{name}.parquet"
    base = {"source": "pos", "channel": "store", "store_id": "S01", "product_id": "P001", "_file": name, "_row": 1}
    write_parquet(path, columns_and_types(CONTRACTS["order_lines"]), [base | dict(row) for row in rows])
    return path


LATE_DAY = date(2026, 6, 20)


def add_late_day(settings: Settings) -> None:
    """A till that was off line: a new order, and a correction that moves a line to another day."""
    old = ask(
        settings, "SELECT order_id, line_id, source FROM marts.order_line WHERE source = 'pos' ORDER BY 1 LIMIT 1"
    )
    order_id, line_id, source = old[0]
    corrected = {"source": source, "order_id": order_id, "line_id": line_id, "quantity": 3, "net_amount": 30}
    late = {"order_id": "LATE", "line_id": "1", "quantity": 2, "net_amount": 20}
    at, loaded = {"ordered_at": f"{LATE_DAY}T10:00:00Z"}, {"_loaded_at": "2026-07-02T03:00:00Z", "_simulated": False}
    write_lines(settings, "late", [corrected | at | loaded, late | at | loaded])
    lake = Lake(settings.lake_dir)
    write_archive(
        lake, "events", [event("n1", "Product Viewed", "2026-06-29T20:00:00Z", user_id="u00002")], "2-2.parquet"
    )
    write_archive(lake, "decisions", [decision("d6", "2026-06-29T20:00:00Z", "c-x", ["P001"])], "2-2.parquet")


def add_next_day(settings: Settings) -> None:
    """A day more: every window moves, a known customer orders, and a decision falls due."""
    known = ask(settings, "SELECT source, customer_ref FROM staging.stg_identity__customer_link ORDER BY ALL LIMIT 1")
    line = {"source": known[0][0], "customer_ref": known[0][1], "order_id": "NEXT", "line_id": "1", "quantity": 1}
    at = {"ordered_at": f"{NEXT_DAY}T10:00:00Z", "_loaded_at": "2026-07-02T03:00:00Z", "_simulated": False}
    write_lines(settings, "next", [line | at | {"net_amount": 5}])
    lake = Lake(settings.lake_dir)
    seen = event("n2", "Product Viewed", f"{NEXT_DAY}T11:00:00Z", user_id="u00001", decision_id="d1")
    write_archive(lake, "events", [seen], "3-3.parquet")
    write_archive(lake, "decisions", [decision("d7", f"{NEXT_DAY}T11:00:00Z", CUSTOMER, ["P001"])], "3-3.parquet")


def test_increments_equal_a_full_build(copied: Callable[[], Settings], tmp_path: Path) -> None:
    """Repeating changes nothing; late and corrected rows and a day more end where a full build ends, in all tables."""
    settings = copied()
    before = contents(settings)
    add_late_day(settings)
    build_warehouse(settings, day=LAST_DAY)
    after = contents(settings)
    assert after != before
    repeated = build_warehouse(settings, day=LATE_DAY)
    assert contents(settings) == after
    # What no change reaches is left out: promotions, views, what only the catalogue decides.
    assert {"int_order_lines_fed", "customer_profile"} <= repeated.seconds.keys()
    assert repeated.seconds.keys().isdisjoint({"int_promotions", "stg_feeds__products", "order_line"})
    assert build_warehouse(settings) == BuildResult(0, 0, {})

    add_next_day(settings)
    build_warehouse(settings, day=NEXT_DAY)
    incremental = contents(settings)
    fresh = settings_in(tmp_path)
    Lake(settings.lake_dir).root.rename(_parent_of(fresh.lake_dir))
    build_warehouse(fresh)
    assert contents(fresh) == incremental


def _parent_of(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_broken_rows_fail_the_test_that_guards_them(copied: Callable[[], Settings]) -> None:
    """More came back than was sold, and two customers share a reference: both are named, nothing goes on."""
    settings = copied()
    line = {"order_id": "B", "line_id": "1", "ordered_at": "2026-06-28T10:00:00Z", "quantity": 1, "net_amount": 1}
    write_lines(settings, "broken", [line | {"returned_quantity": 2, "_loaded_at": "2026-07-02T03:00:00Z"}])
    links = Lake(settings.lake_dir).identity_link("customer_link")
    with duckdb.connect() as connection:
        twice = f"SELECT * FROM '{links}' UNION ALL SELECT source, customer_ref, 'c-other' FROM '{links}'"
        connection.execute(f"CREATE TABLE t AS {twice}")
        connection.execute(f"COPY t TO '{links}' (FORMAT parquet)")
    with pytest.raises(Rejected) as failure:
        build_warehouse(settings, select=["+order_line", "+demand_daily", "stg_identity__customer_link"])
    assert "demand_daily_returns_at_most_what_was_sold" in failure.value.message
    assert "unique_combination_stg_identity__customer_link" in failure.value.message
    assert failure.value.reason == "BUILD_FAILED"


def test_rows_of_a_file_that_left_the_lake_leave_the_warehouse(copied: Callable[[], Settings]) -> None:
    """Erasure rewrites files; what is no longer in the lake must not survive in tables that grow."""
    settings = copied()
    next(Lake(settings.lake_dir).archive("events").glob("received_date=*/*.parquet")).unlink()
    for path in Lake(settings.lake_dir).archive("decisions").glob("received_date=*/*.parquet"):
        path.unlink()
    build_warehouse(settings, select=["+decision_outcome"])
    assert ask(settings, "SELECT count(*) FROM intermediate.int_events WHERE source <> 'feed'") == [(0,)]
    assert ask(settings, "SELECT count(*) FROM marts.decision_outcome") == [(0,)]
    assert ask(settings, "SELECT count(*) FROM marts.order_line WHERE is_live") == [(0,)]
