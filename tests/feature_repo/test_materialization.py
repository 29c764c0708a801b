"""Our bulk writer leaves in Redis, byte for byte, what Feast's own materialization leaves there."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from rtp.errors import NotFound, Rejected, Retryable
from rtp.features.references import references_of
from rtp.features.view import View
from rtp.features.views import BATCH_VIEWS, CUSTOMER_LIVE, CUSTOMER_PROFILE, STOCK_DAILY
from rtp.settings import Settings
from rtp.stores.feast_bulk import materialize, materialize_mart
from rtp.stores.lake import Lake
from rtp.stores.online_store import RedisOnlineStore
from tests.feature_repo.conftest import Hashes
from tests.feature_repo.marts import AS_OF, rows_of, write_mart

DAY = timedelta(days=1)


@pytest.mark.parametrize("decimals", [False, True], ids=["doubles", "decimals"])
@pytest.mark.parametrize("view", BATCH_VIEWS, ids=lambda view: view.name)
def test_the_bytes_are_feasts(
    feast: Any, hashes: Hashes, lake: Lake, redis_url: str, view: View, decimals: bool
) -> None:
    write_mart(lake.mart(view.mart or ""), view, rows_of(view, 120), decimals=decimals)
    feast.materialize(AS_OF - DAY, AS_OF + DAY, feature_views=[view.name])
    theirs = hashes.all()
    hashes.clear()
    result = materialize_mart(redis_url, view, lake)
    assert (result.rows, result.written) == (120, 120)
    assert len(theirs) == 120
    assert hashes.all() == theirs


def test_feasts_sdk_reads_it_back_equal(feast: Any, lake: Lake, redis_url: str) -> None:
    rows = rows_of(CUSTOMER_PROFILE, 50)
    write_mart(lake.mart("customer_profile"), CUSTOMER_PROFILE, rows)
    materialize_mart(redis_url, CUSTOMER_PROFILE, lake)
    answer = feast.get_online_features(
        features=references_of([CUSTOMER_PROFILE]), entity_rows=[{"customer_id": row["customer_id"]} for row in rows]
    ).to_dict()
    for feature in CUSTOMER_PROFILE.features:
        for row, got in zip(rows, answer[feature.name], strict=True):
            assert same(row[feature.name], got), (feature.name, row[feature.name], got)


def same(written: Any, read: Any) -> bool:
    if written is None or written != written:
        return read is None
    if hasattr(written, "microsecond"):
        return bool(written.replace(microsecond=0) == read)
    return bool(written == read)


async def test_our_store_reads_what_feast_wrote(feast: Any, lake: Lake, redis_client: Any) -> None:
    write_mart(lake.mart("inventory_position"), STOCK_DAILY, rows_of(STOCK_DAILY, 9))
    feast.materialize(AS_OF - DAY, AS_OF + DAY, feature_views=["stock_daily"])
    [row] = await RedisOnlineStore(redis_client).read(
        [{"store_id": "store_id-8", "product_id": "product_id-8"}], ["stock_daily:on_hand", "stock_daily:_ts"]
    )
    assert row["stock_daily:on_hand"] is None
    assert row["stock_daily:_ts"] == int((AS_OF - timedelta(seconds=2)).timestamp() * 1_000_000)


def test_newer_values_survive_and_a_repetition_changes_nothing(hashes: Hashes, lake: Lake, redis_url: str) -> None:
    path = lake.mart("customer_profile")
    rows = rows_of(CUSTOMER_PROFILE, 130)
    write_mart(path, CUSTOMER_PROFILE, rows)
    newer = [{**row, "as_of": AS_OF + DAY, "orders_90d": 77} for row in rows[:40]]
    write_mart(path.with_name("newer.parquet"), CUSTOMER_PROFILE, newer)
    materialize(redis_url, CUSTOMER_PROFILE, path.with_name("newer.parquet"))
    kept = hashes.all()
    result = materialize(redis_url, CUSTOMER_PROFILE, path)
    assert (result.rows, result.written, result.kept) == (130, 90, 40)
    after = hashes.all()
    assert {key: after[key] for key in kept} == kept
    materialize(redis_url, CUSTOMER_PROFILE, path)
    assert hashes.all() == after


@pytest.mark.parametrize("already", [0, 20, 90], ids=["no_key", "some_keys", "most_keys"])
def test_rows_of_another_view_stay_beside_it(hashes: Hashes, lake: Lake, redis_url: str, already: int) -> None:
    """An entity has one hash for all its views: a ready-made one must not take the place of what is there."""
    path = lake.mart("customer_profile")
    rows = rows_of(CUSTOMER_PROFILE, 120)
    write_mart(path, CUSTOMER_PROFILE, rows)
    materialize(redis_url, CUSTOMER_PROFILE, path)
    alone = hashes.all()
    hashes.clear()
    live = {key: {b"_ts:customer_live": b"\x08\x01", b"live": b"1"} for key in sorted(alone)[:already]}
    for key, fields in live.items():
        hashes.put(key, fields)
    assert materialize(redis_url, CUSTOMER_PROFILE, path).written == 120
    assert hashes.all() == {key: {**fields, **live.get(key, {})} for key, fields in alone.items()}


@pytest.mark.parametrize("rows_a_call", [1, 7, 50])
def test_how_many_rows_a_call_takes_makes_no_difference(
    hashes: Hashes, tmp_path: Path, redis_url: str, rows_a_call: int
) -> None:
    """One row a call is what Redis Cluster needs."""
    write_mart(tmp_path / "rows.parquet", STOCK_DAILY, rows_of(STOCK_DAILY, 31))
    materialize(redis_url, STOCK_DAILY, tmp_path / "rows.parquet", rows_a_call=1)
    one = hashes.all()
    hashes.clear()
    materialize(redis_url, STOCK_DAILY, tmp_path / "rows.parquet", rows_a_call=rows_a_call)
    assert hashes.all() == one


def test_more_rows_than_one_batch(tmp_path: Path, redis_url: str, hashes: Hashes, monkeypatch: Any) -> None:
    monkeypatch.setattr("rtp.stores.feast_bulk.ROWS_READ", 64)
    write_mart(tmp_path / "rows.parquet", STOCK_DAILY, rows_of(STOCK_DAILY, 1000))
    assert materialize(redis_url, STOCK_DAILY, tmp_path / "rows.parquet").written == 1000
    assert len(hashes.all()) == 1000


def test_large_integers_beside_unknown_ones_stay_exact(tmp_path: Path, redis_url: str, feast: Any) -> None:
    """Here Feast's own writer goes through floats and loses the last digits."""
    rows = rows_of(CUSTOMER_PROFILE, 2)
    rows[0]["orders_90d"], rows[1]["orders_90d"] = 2**60 + 1, None
    write_mart(tmp_path / "rows.parquet", CUSTOMER_PROFILE, rows)
    materialize(redis_url, CUSTOMER_PROFILE, tmp_path / "rows.parquet")
    answer = feast.get_online_features(
        features=["customer_profile:orders_90d"], entity_rows=[{"customer_id": "customer_id-0"}]
    ).to_dict()
    assert answer["orders_90d"] == [2**60 + 1]


def test_a_missing_column_is_named_before_anything_is_written(tmp_path: Path, redis_url: str, hashes: Hashes) -> None:
    write_mart(tmp_path / "rows.parquet", STOCK_DAILY, rows_of(STOCK_DAILY, 3))
    table = pq.read_table(tmp_path / "rows.parquet").drop_columns(["on_hand"])
    pq.write_table(table, tmp_path / "rows.parquet")
    with pytest.raises(Rejected, match="no column on_hand"):
        materialize(redis_url, STOCK_DAILY, tmp_path / "rows.parquet")
    assert hashes.all() == {}


@pytest.mark.parametrize("column", ["store_id", "as_of"])
def test_a_row_without_key_or_time_stops_it(tmp_path: Path, redis_url: str, column: str) -> None:
    rows = rows_of(STOCK_DAILY, 3)
    rows[1][column] = None
    write_mart(tmp_path / "rows.parquet", STOCK_DAILY, rows)
    with pytest.raises(Rejected, match=column):
        materialize(redis_url, STOCK_DAILY, tmp_path / "rows.parquet")


def test_a_column_of_another_type_is_named(tmp_path: Path, redis_url: str) -> None:
    write_mart(tmp_path / "rows.parquet", STOCK_DAILY, rows_of(STOCK_DAILY, 3))
    table = pq.read_table(tmp_path / "rows.parquet")
    index = table.schema.get_field_index("on_hand")
    pq.write_table(table.set_column(index, "on_hand", [["many", "few", None]]), tmp_path / "rows.parquet")
    with pytest.raises(Rejected, match="on_hand"):
        materialize(redis_url, STOCK_DAILY, tmp_path / "rows.parquet")


def test_what_cannot_be_materialized_says_so(lake: Lake, redis_url: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        materialize_mart(redis_url, STOCK_DAILY, lake)
    with pytest.raises(Rejected, match="pushed live"):
        materialize_mart(redis_url, CUSTOMER_LIVE, lake)
    (tmp_path / "bad.parquet").write_bytes(b"not parquet")
    with pytest.raises(Rejected, match="no readable Parquet"):
        materialize(redis_url, STOCK_DAILY, tmp_path / "bad.parquet")


def test_a_redis_that_is_gone_is_told_so(tmp_path: Path, settings: Settings) -> None:
    write_mart(tmp_path / "rows.parquet", STOCK_DAILY, rows_of(STOCK_DAILY, 3))
    with pytest.raises(Retryable, match="bulk write stopped"):
        materialize(settings.redis_address, STOCK_DAILY, tmp_path / "rows.parquet")
