"""Typing and checking, as one query: against arbitrary texts."""

import math
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import cache

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp.signals.feeds.check_sql import checked_rows
from rtp.signals.feeds.contracts import contract

TEXTS = st.one_of(
    st.text(max_size=12),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**8), max_value=10**8).map(str),
    st.floats().map(str),
    st.sampled_from(["", " ", "1e5", "nan", "inf", "-0", "0x10", "1_000", "1,5", "2026-02-30", "infinity", "epoch"]),
)


def check(table: str, columns: dict[str, Sequence[str | None]]) -> list[dict[str, object]]:
    source = pa.table({"_row": list(range(1, len(next(iter(columns.values()))) + 1))} | columns)
    connection = shared_connection()
    connection.register("source", source)
    cursor = connection.execute(checked_rows(contract(table), "source", dict.fromkeys(columns, "VARCHAR")))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@cache
def shared_connection() -> duckdb.DuckDBPyConnection:
    """One for all examples."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 1")
    return connection


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_an_amount_is_either_exact_or_a_problem_and_no_text_breaks_the_query(texts: list[str]) -> None:
    rows = check("products", {"product_id": ["P"] * len(texts), "list_price": texts})
    for text, row in zip(texts, rows, strict=True):
        stripped = text.strip(" ")
        if row["_problem"] is not None:
            assert stripped
            continue
        assert (row["list_price"] is None) == (not stripped)
        if row["list_price"] is not None:
            assert isinstance(row["list_price"], Decimal)
            assert row["list_price"] >= 0
            try:
                assert abs(row["list_price"] - Decimal(stripped.replace("_", ""))) <= Decimal("0.005")
            except InvalidOperation:
                pytest.fail(f"{text!r} was read as an amount")


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_a_number_that_is_stored_is_finite_and_in_range(texts: list[str]) -> None:
    for row in check("stores", {"store_id": ["S"] * len(texts), "latitude": texts}):
        value = row["latitude"]
        if row["_problem"] is None and value is not None:
            assert isinstance(value, float)
            assert math.isfinite(value)
            assert -90 <= value <= 90


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_no_text_breaks_times_counts_or_json(texts: list[str]) -> None:
    keys = ["1"] * len(texts)
    check("inventory", {"store_id": keys, "product_id": keys, "counted_at": texts, "quantity": texts})
    check("customers", {"source": keys, "customer_ref": keys, "birth_date": texts, "attributes": texts})


@pytest.mark.parametrize(
    ("text", "read"),
    [("7", 7), ("7.0", 7), ("-3", -3), ("7.5", None), ("seven", None), ("99999999999999999999", None)],
)
def test_a_count_is_a_whole_number(text: str, read: int | None) -> None:
    known = {"store_id": ["S"], "product_id": ["P"], "counted_at": ["2026-01-01T00:00:00+02:00"]}
    [row] = check("inventory", known | {"quantity": [text]})
    assert row["quantity"] == read
    assert row["_problem"] == (None if read is not None else "NOT_A_WHOLE_NUMBER:quantity")


def test_a_time_without_a_zone_is_utc_and_choices_are_stored_in_lower_case() -> None:
    said = {
        "source": ["s"],
        "customer_ref": ["c"],
        "purpose": ["Marketing"],
        "channel": ["EMAIL"],
        "status": ["granted"],
    }
    [row] = check("consents", said | {"at": ["2026-03-01 08:00"]})
    assert (row["purpose"], row["channel"], row["_problem"]) == ("marketing", "email", None)
    assert str(row["at"]) == "2026-03-01 08:00:00+00:00"
