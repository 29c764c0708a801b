"""Candidate marts are judged before they are published: keys, arithmetic, freshness, and no sudden loss of rows."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rtp.quality.gate import QualityGate
from rtp.quality.result import blocking
from rtp.settings import Settings
from tests.quality.conftest import NOW

NewGate = Callable[[], QualityGate]


def positions(rows: int = 100, **columns: list[object]) -> pa.Table:
    good: dict[str, list[object]] = {
        "store_id": [f"S{n % 5}" for n in range(rows)],
        "product_id": [f"P{n}" for n in range(rows)],
        "on_hand": [n % 7 for n in range(rows)],
        "reserved": [0] * rows,
        "committed": [0] * rows,
        "safety_stock": [1] * rows,
        "available": [max(0, n % 7 - 1) for n in range(rows)],
        "daily_velocity": [0.5] * rows,
        "days_of_cover": [None] + [2.0] * (rows - 1),
        "counted_at": [NOW] * rows,
        "as_of": [NOW] * rows,
    }
    return pa.table(good | columns)


@pytest.mark.parametrize("as_file", [True, False])
def test_a_good_mart_passes_from_a_file_and_from_memory(new_gate: NewGate, tmp_path: Path, as_file: bool) -> None:
    table = positions()
    path = tmp_path / "candidate.parquet"
    pq.write_table(table, path)
    results = new_gate().check_marts({"inventory_position": path if as_file else table, "unknown": table}, NOW)
    assert {result.suite for result in results} == {"marts/inventory_position"}
    assert all(result.passed for result in results)


@pytest.mark.parametrize(
    ("columns", "column", "key"),
    [
        ({"available": [9, *[0] * 99]}, "on_hand, available", "P0"),
        ({"available": [0, -1, *[0] * 98]}, "available", "P1"),
        ({"reserved": [*[0] * 99, -2]}, "reserved", "P99"),
        ({"product_id": ["P5", *[f"P{n}" for n in range(1, 100)]]}, "store_id, product_id", "P5"),
        ({"product_id": [None, *[f"P{n}" for n in range(1, 100)]]}, "product_id", ""),
    ],
)
def test_a_broken_position_is_refused_with_its_key(
    new_gate: NewGate, columns: dict[str, list[object]], column: str, key: str
) -> None:
    results = new_gate().check_marts({"inventory_position": positions(**columns)}, NOW)
    (failed,) = blocking(results)
    assert (failed.column, failed.failing_keys[0]["product_id"]) == (column, key)


def test_more_sold_than_counted_leaves_nothing_available_and_is_no_fault(new_gate: NewGate) -> None:
    oversold = positions(on_hand=[-3, *[n % 7 for n in range(1, 100)]], available=[0] * 100)
    assert not blocking(new_gate().check_marts({"inventory_position": oversold}, NOW))


def test_a_mart_that_was_not_renewed_is_refused(new_gate: NewGate) -> None:
    results = new_gate().check_marts({"inventory_position": positions()}, NOW + timedelta(days=16))
    assert [result.column for result in blocking(results)] == ["hours_since_newest"]


def test_a_mart_that_lost_half_its_rows_is_refused_and_the_published_one_stays(
    new_gate: NewGate, settings: Settings
) -> None:
    version = settings.lake_dir / "versions" / "one" / "inventory_position"
    version.mkdir(parents=True)
    pq.write_table(positions(), version / "data.parquet")
    (settings.lake_dir / "marts").symlink_to(version.parent)
    assert not blocking(new_gate().check_marts({"inventory_position": positions(80)}, NOW))
    (failed,) = blocking(new_gate().check_marts({"inventory_position": positions(50)}, NOW))
    assert (failed.column, failed.observed) == ("rows_kept", "0.5")


def test_an_empty_mart_is_refused_where_there_must_be_rows(new_gate: NewGate) -> None:
    results = new_gate().check_marts({"customer_profile": pa.table({"customer_id": pa.array([], pa.string())})}, NOW)
    assert [result.column for result in blocking(results)] == ["rows"]
