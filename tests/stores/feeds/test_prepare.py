"""The empty files of the lake."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from rtp.signals.feeds import CONTRACTS
from rtp.stores.feeds.prepare import prepare_lake
from rtp.stores.lake import Lake


def test_every_feed_and_quarantine_can_be_read_before_anything_was_loaded(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    prepare_lake(lake)
    for table in CONTRACTS.values():
        with duckdb.connect() as connection:
            rows = connection.execute(f"SELECT * FROM '{lake.feed(table.name)}/*.parquet'")
            assert [column[0] for column in rows.description][: len(table.columns)] == [c.name for c in table.columns]
            assert rows.fetchall() == []
            assert connection.execute(f"SELECT * FROM '{lake.quarantine(table.name)}/*.parquet'").fetchall() == []


def test_preparing_again_rewrites_only_what_differs(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    prepare_lake(lake)
    good, old = (lake.feed(table) / "_schema.parquet" for table in ("products", "stores"))
    before = good.stat().st_mtime_ns
    pq.write_table(pq.read_table(old).drop_columns(["timezone"]), old)
    prepare_lake(lake)
    assert good.stat().st_mtime_ns == before
    assert "timezone" in pq.read_schema(old).names
