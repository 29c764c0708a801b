"""The Complete Journey in the lake: what is real is untouched, what is made up says so."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import phonenumbers
import pytest

from rtp.errors import Rejected
from rtp.simulation.completejourney.load import load_completejourney
from rtp.simulation.completejourney.source import find_source
from rtp.stores.feeds.datasets import read_dataset
from rtp.stores.lake import Lake

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
HOUSEHOLDS = 40


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with a sample of households."""
    made = Lake(tmp_path_factory.mktemp("journey") / "lake")
    report = load_completejourney(made, now=NOW, households=HOUSEHOLDS)
    assert report.quarantined == 0
    return made


def query(lake: Lake, sql: str) -> list[tuple[object, ...]]:
    """Runs SQL in which @name is a feed table and #name a table of the data set."""
    data = find_source().folder
    words = [
        f"read_parquet('{lake.feed(word[1:])}/*.parquet', union_by_name = true)" if word.startswith("@")
        else f"read_parquet('{data / word[1:]}.parquet')" if word.startswith("#") else word
        for word in sql.split()
    ]  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(" ".join(words)).fetchall()


def test_every_line_and_every_cent_of_the_households_is_there(lake: Lake) -> None:
    chosen = "household_id IN (SELECT CAST(customer_ref AS BIGINT) FROM @customers )"
    real = query(
        lake,
        "SELECT count(*), round(sum(sales_value), 2), round(sum(retail_disc + coupon_match_disc), 2), "
        f"count(*) FILTER (quantity = 0) FROM #transactions WHERE {chosen}",
    )
    loaded = query(
        lake,
        "SELECT count(*), CAST(sum(net_amount) AS DOUBLE), CAST(sum(discount_amount) AS DOUBLE), "
        "count(*) FILTER (quantity = 0) FROM @order_lines",
    )
    assert loaded == [pytest.approx(real[0])]
    assert query(lake, "SELECT count(*) FROM @customers") == [(HOUSEHOLDS,)]


def test_fuel_is_in_gallons(lake: Lake) -> None:
    [(lines, largest, price)] = query(
        lake,
        "SELECT count(*), max(quantity), median(net_amount / quantity) "
        "FROM @order_lines JOIN @products USING (product_id) "
        "WHERE product_type = 'GASOLINE-REG UNLEADED' AND quantity <> 1",
    )
    assert lines > 0
    assert largest < 100
    assert 2 < price < 3


def test_times_move_by_whole_weeks_and_end_before_today(lake: Lake) -> None:
    dataset = read_dataset(lake, "completejourney")
    assert dataset is not None
    assert dataset.shift_days % 7 == 0
    moved = f"ordered_at = transaction_timestamp + INTERVAL {dataset.shift_days} DAY"
    both = "@order_lines o JOIN #transactions t ON order_id = CAST(basket_id AS VARCHAR)"
    assert query(lake, f"SELECT bool_and( {moved} ) FROM {both}") == [(True,)]
    week = "max(ordered_at) BETWEEN TIMESTAMPTZ '2026-11-18' AND TIMESTAMPTZ '2026-11-25'"
    assert query(lake, f"SELECT {week} FROM @order_lines") == [(True,)]
    assert query(lake, "SELECT DISTINCT dayname(week_start) FROM @promotions") == [("Monday",)]


def test_keys_are_unique(lake: Lake) -> None:
    keys = "count(*) = count(DISTINCT (product_id, store_id, week_start))"
    assert query(lake, f"SELECT {keys} FROM @promotions") == [(True,)]
    assert query(lake, "SELECT count(*) = count(DISTINCT (order_id, line_id)) FROM @order_lines") == [(True,)]


def test_stock_was_counted_last_evening_and_some_of_it_is_gone(lake: Lake) -> None:
    [(counted, gone, low, pairs)] = query(
        lake,
        "SELECT max(counted_at), count(*) FILTER (quantity = 0), count(*) FILTER (quantity BETWEEN 1 AND 3), count(*) "
        "FROM @inventory",
    )
    assert counted == datetime(2026, 11, 24, 22, tzinfo=UTC)
    assert 0 < gone < pairs / 8
    assert 0 < low < pairs / 3
    assert query(lake, "SELECT kind, count(*) > 0 FROM @stores GROUP BY 1 ORDER BY 1") == [
        ("store", True), ("warehouse", True), ("web", True),
    ]  # fmt: skip


def test_contacts_are_unique_and_reach_nobody(lake: Lake) -> None:
    people = query(lake, "SELECT user_id, customer_ref, email, phone FROM @customers")
    assert all(user == reference for user, reference, _, _ in people)
    assert all(str(email).endswith("@example.com") for _, _, email, _ in people)
    numbers = [phonenumbers.parse(str(phone)) for _, _, _, phone in people]
    assert all(phonenumbers.is_possible_number(number) for number in numbers)
    assert len({email for _, _, email, _ in people}) == len({phone for _, _, _, phone in people}) == HOUSEHOLDS


def test_what_is_made_up_says_so(lake: Lake) -> None:
    flags = "SELECT bool_and(_simulated), bool_or(_simulated), any_value(_simulated_columns) FROM"
    for table in ("stores", "inventory", "inbound", "consents"):
        assert query(lake, f"{flags} @{table}") == [(True, True, None)]
    assert query(lake, f"{flags} @order_lines") == [(False, False, "channel")]
    assert query(lake, f"{flags} @products") == [(False, False, "list_price,unit_cost")]


def test_costs_leave_a_margin_and_unknown_prices_stay_unknown(lake: Lake) -> None:
    [(bad, without)] = query(
        lake,
        "SELECT count(*) FILTER (unit_cost > list_price OR list_price = 0), count(*) FILTER ((list_price IS NULL) "
        "<> (unit_cost IS NULL)) FROM @products",
    )
    assert (bad, without) == (0, 0)


def test_some_baskets_are_on_line_and_a_basket_has_one_channel(lake: Lake) -> None:
    baskets = (
        "SELECT order_id, count(DISTINCT channel) AS n, any_value(channel) AS channel FROM @order_lines GROUP BY 1"
    )
    assert query(lake, f"SELECT max(n), count(DISTINCT channel) FROM ( {baskets} )") == [(1, 3)]


def test_loads_repeat_resize_and_recount_without_doubling(lake: Lake, tmp_path: Path) -> None:
    lake = Lake(shutil.copytree(lake.root, tmp_path / "lake"))
    names = query(lake, "SELECT customer_ref, last_name FROM @customers ORDER BY 1")
    again = load_completejourney(lake, now=NOW + timedelta(hours=1), households=HOUSEHOLDS)
    assert {table.status for table in again.tables} == {"skipped"}
    load_completejourney(lake, now=NOW + timedelta(days=9), households=HOUSEHOLDS + 3)
    assert query(lake, "SELECT count(*), count(DISTINCT customer_ref) FROM @customers") == [
        (HOUSEHOLDS + 3, HOUSEHOLDS + 3)
    ]
    assert set(names) <= set(query(lake, "SELECT customer_ref, last_name FROM @customers"))
    assert query(lake, "SELECT max(ordered_at) < TIMESTAMPTZ '2026-11-25' FROM @order_lines") == [(True,)]
    assert query(lake, "SELECT DISTINCT counted_at FROM @inventory") == [(datetime(2026, 12, 3, 22, tzinfo=UTC),)]
    with pytest.raises(Rejected, match="holds The Complete Journey with dates moved"):
        load_completejourney(lake, now=NOW, original_dates=True)
