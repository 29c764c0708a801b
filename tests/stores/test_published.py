"""Publishing the marts: all at once, in the types that readers need, or not at all."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from rtp.errors import Rejected
from rtp.settings import Settings
from rtp.stores import published
from rtp.stores.lake import Lake
from rtp.stores.published import publish, read_manifest


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Settings]:
    settings.state_dir.mkdir(parents=True)
    execute(settings, "CREATE SCHEMA marts")
    execute(settings, "CREATE TABLE marts.thing AS SELECT 1 AS n, now() AS as_of, 1.5::DECIMAL(38,2) AS money")
    execute(settings, "CREATE VIEW marts.other AS SELECT range AS n FROM range(5)")
    return settings


def execute(settings: Settings, sql: str) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(sql)


def test_all_marts_appear_under_one_link_with_their_row_counts(warehouse: Settings) -> None:
    done = publish(warehouse, "v1")
    lake = Lake(warehouse.lake_dir)
    assert done.rows == {"thing": 1, "other": 5}
    assert read_manifest(warehouse) == done
    assert lake.published_version() == "v1"
    assert pq.read_table(lake.mart("other")).num_rows == 5


def test_times_are_microseconds_in_utc_and_money_fits_64_bits(warehouse: Settings) -> None:
    publish(warehouse, "v1")
    schema = pq.read_schema(Lake(warehouse.lake_dir).mart("thing"))
    assert str(schema.field("as_of").type) == "timestamp[us, tz=UTC]"
    assert str(schema.field("money").type) == "decimal128(18, 2)"


def test_a_reader_that_opened_a_version_keeps_it_while_the_next_one_appears(warehouse: Settings) -> None:
    publish(warehouse, "v1")
    lake = Lake(warehouse.lake_dir)
    opened = lake.mart("thing").resolve()
    execute(warehouse, "INSERT INTO marts.thing SELECT 2, now(), 2")
    publish(warehouse, "v2")
    assert pq.read_table(opened).num_rows == 1
    assert pq.read_table(lake.mart("thing")).num_rows == 2


def test_a_failed_publish_leaves_the_old_version_served(warehouse: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(warehouse, "v1")
    execute(warehouse, "CREATE VIEW marts.zz_broken AS SELECT error('no') AS n")
    with pytest.raises(duckdb.Error):
        publish(warehouse, "v2")
    lake = Lake(warehouse.lake_dir)
    assert lake.published_version() == "v1"
    assert [path.name for path in lake.versions.iterdir()] == ["v1"]


def test_a_crash_before_the_swap_serves_the_old_version(warehouse: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(warehouse, "v1")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(published, "_swap", crash)
    with pytest.raises(KeyboardInterrupt):
        publish(warehouse, "v2")
    assert Lake(warehouse.lake_dir).published_version() == "v1"
    monkeypatch.undo()
    publish(warehouse, "v2")
    assert Lake(warehouse.lake_dir).published_version() == "v2"


def test_the_last_three_versions_are_kept(warehouse: Settings) -> None:
    for number in range(5):
        publish(warehouse, f"v{number}")
    assert sorted(path.name for path in Lake(warehouse.lake_dir).versions.iterdir()) == ["v2", "v3", "v4"]


@pytest.mark.parametrize("version", ["", "../v1", ".hidden", "a/b", "v1"])
def test_a_name_that_is_taken_or_no_name_is_refused(warehouse: Settings, version: str) -> None:
    publish(warehouse, "v1")
    with pytest.raises(Rejected) as refused:
        publish(warehouse, version)
    assert refused.value.reason == "BAD_VERSION"


def test_a_warehouse_without_marts_is_not_published(settings: Settings) -> None:
    settings.state_dir.mkdir(parents=True)
    execute(settings, "CREATE TABLE t AS SELECT 1 AS n")
    with pytest.raises(Rejected, match="rtp build"):
        publish(settings, "v1")
    assert not Path(Lake(settings.lake_dir).marts).exists()
