"""What the marts say about the sample retailer and one live day on top of it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.dbt_project.conftest import CUSTOMER, LOADED_AT, Query


def test_a_message_sent_twice_or_marked_duplicate_counts_once(query: Query) -> None:
    rows = query("SELECT message_id, count(*) FROM intermediate.int_events WHERE message_id LIKE 'm%' GROUP BY 1")
    assert dict(rows) == dict.fromkeys(("m1", "m3", "m4", "m5", "m6", "m7", "m8", "m9"), 1)


def test_loaded_histories_are_events_too(query: Query) -> None:
    assert query("SELECT count(*) > 400 FROM intermediate.int_events WHERE source = 'feed'") == [(True,)]


def test_a_live_order_counts_once_less_refunds_and_a_cancelled_one_not_at_all(query: Query) -> None:
    rows = query("""
        SELECT order_id, product_id, quantity, returned_quantity, net_amount, customer_id
        FROM marts.order_line WHERE is_live ORDER BY order_id, line_id
    """)
    assert rows == [
        ("L1", "P001", Decimal(2), Decimal(1), Decimal("7.00"), CUSTOMER),
        ("L1", "NEW-1", Decimal(1), Decimal(0), Decimal("9.00"), CUSTOMER),
        ("L2", "P002", Decimal(1), None, Decimal("5.00"), CUSTOMER),
    ]


def test_two_sources_of_one_person_are_one_customer(query: Query) -> None:
    sources = query(f"SELECT DISTINCT source FROM marts.order_line WHERE customer_id = '{CUSTOMER}' ORDER BY 1")
    assert sources == [("pos",), ("shop",), ("web",)]
    assert query(f"SELECT count(*) FROM marts.customer_profile WHERE customer_id = '{CUSTOMER}'") == [(1,)]


def test_a_product_that_only_sales_or_counts_know_is_kept_as_unknown(query: Query) -> None:
    rows = query("SELECT product_id, name FROM marts.product WHERE NOT is_known ORDER BY 1")
    assert rows == [("NEW-1", None), ("NEW-2", None), ("P900", None), ("P901", None)]


def test_marts_speak_for_the_end_of_the_newest_known_day(query: Query) -> None:
    as_of = datetime(2026, 6, 30, tzinfo=UTC)
    for mart in ("customer_profile", "product", "store", "offer", "inventory_position", "decision_outcome"):
        assert query(f"SELECT DISTINCT as_of FROM marts.{mart}") == [(as_of,)]


def test_the_profile_adds_up_to_the_lines(query: Query) -> None:
    assert query("""
        SELECT count(*) FROM marts.customer_profile JOIN (
            SELECT customer_id, count(DISTINCT (source, order_id)) AS orders, sum(net_amount) AS net_sales
            FROM marts.order_line
            WHERE ordered_at >= TIMESTAMPTZ '2026-06-30 00:00:00+00' - INTERVAL 365 DAY
            GROUP BY 1
        ) AS lines USING (customer_id)
        WHERE orders <> orders_365d OR net_sales <> net_sales_365d
    """) == [(0,)]


def test_a_customer_without_orders_has_unknown_habits_not_zeros(query: Query) -> None:
    rows = query("""
        SELECT orders_365d, net_sales_365d, recency_days, preferred_hour, discount_share_365d
        FROM marts.customer_profile WHERE first_order_at IS NULL
    """)
    assert rows
    assert {value for row in rows for value in row} == {None}


def test_consent_nobody_spoke_of_is_unknown_not_denied(query: Query) -> None:
    rows = query("SELECT DISTINCT consent_personalization FROM marts.customer_profile")
    assert {row[0] for row in rows} == {True, False, None}


def test_every_decision_has_exactly_one_outcome(query: Query) -> None:
    rows = query(
        "SELECT decision_id, outcome, matched_by, reward_value FROM marts.decision_outcome ORDER BY decision_id"
    )
    assert rows == [
        # By the id that the sender gave; one of two units of the first line came back.
        ("d1", "rewarded", "decision_id", Decimal("12.50")),
        # d3 showed the same product to the same customer later: the sale is credited once.
        ("d2", "open", None, None),
        ("d3", "rewarded", "customer_product", Decimal("5.00")),
        ("d4", "open", None, None),
        ("d5", "not_rewarded", None, None),
    ]


def test_stock_is_the_newest_count_less_what_left_and_promised(query: Query) -> None:
    rows = query("""
        SELECT product_id, quantity - on_hand, committed, available
        FROM marts.inventory_position
        JOIN (
            SELECT store_id, product_id, arg_max(quantity, counted_at) AS quantity
            FROM staging.stg_feeds__inventory GROUP BY 1, 2
        ) USING (store_id, product_id)
        WHERE store_id = 'S01' AND product_id IN ('P001', 'P002') ORDER BY 1
    """)
    # P001: ordered on the web, one of two refunded, not shipped. P002: one sold over the counter; none is left.
    assert [row[:3] for row in rows] == [("P001", 0, 1), ("P002", 1, 0)]
    assert rows[1][3] == 0


def test_posted_counts_and_movements_count_once_and_reservations_are_taken_off(query: Query) -> None:
    rows = query("""
        SELECT product_id, on_hand, reserved, settled_orders, available = on_hand - reserved - committed - safety_stock
        FROM marts.inventory_position
        WHERE store_id = 'S01' AND product_id IN ('P002', 'P003', 'P004', 'NEW-2') ORDER BY 1
    """)
    assert [row[:4] for row in rows] == [
        # Counted by nobody but who posted it.
        ("NEW-2", 7, 0, None),
        # Sold over the counter, and told of twice: by the order and by the movement that names it.
        ("P002", -1, 0, ["L2"]),
        ("P003", 26, 2, None),
        ("P004", 28, 0, None),
    ]
    assert [row[4] for row in rows][2:] == [True, True]


def test_promotion_is_unknown_where_a_store_reports_none(query: Query) -> None:
    rows = query("""
        SELECT DISTINCT on_display IS NULL FROM marts.demand_daily
        WHERE (store_id, date_trunc('week', day)) NOT IN (
            SELECT (store_id, date_trunc('week', week_start)) FROM intermediate.int_promotions
        )
    """)
    assert rows == [(True,)]
    assert query("SELECT count(*) > 0 FROM marts.demand_daily WHERE on_display") == [(True,)]


def test_an_exposed_customer_who_buys_in_the_window_converts(query: Query) -> None:
    rows = query("SELECT experiment_id, variation_id, subjects, conversions, total_value FROM marts.experiment_result")
    assert rows == [("hero", "b", 1, 1, Decimal("21.00"))]


def test_the_funnel_narrows_by_channel(query: Query) -> None:
    rows = query("""
        SELECT channel, decisions, viewed_decisions, rewarded_decisions, orders FROM marts.channel_funnel
        WHERE day = DATE '2026-06-29' ORDER BY channel
    """)
    assert rows == [("app", 0, 0, 0, 0), ("store", 1, 0, 0, 1), ("web", 3, 2, 2, 1)]


@pytest.mark.parametrize("mart", ["order_line", "customer_identifier"])
def test_every_identified_row_belongs_to_a_profile(query: Query, mart: str) -> None:
    assert query(f"""
        SELECT count(*) FROM marts.{mart} WHERE customer_id IS NOT NULL
        AND customer_id NOT IN (SELECT customer_id FROM marts.customer_profile)
    """) == [(0,)]


def test_first_seen_is_the_first_event_or_the_load(query: Query) -> None:
    rows = query("SELECT min(first_seen_at), max(first_seen_at) FROM marts.customer_identifier")
    assert rows[0][0] < rows[0][1] == LOADED_AT
    assert rows[0][0].date() >= date(2026, 6, 1)
