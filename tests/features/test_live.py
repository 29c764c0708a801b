"""What each live feature says after known events."""

from functools import reduce

import pytest

from rtp.features.accumulators import DAY, HOUR, MINUTE
from rtp.features.live import LIVE_FEATURES, LiveState, at_moment, empty_state, fold, project
from rtp.features.values import FeatureValue
from rtp.signals.event import Event
from tests.features.events import NOW, track


def folded(*events: Event) -> LiveState:
    return reduce(fold, events, empty_state())


def row_after(*events: Event, now: int = NOW) -> dict[str, FeatureValue]:
    return project(folded(*events), now)


def test_nothing_is_known_of_a_shopper_nobody_saw() -> None:
    row = project(empty_state(), NOW)
    assert row.pop("as_of") == NOW
    assert len(row) == len(LIVE_FEATURES)
    assert set(row.values()) == {None}


def test_a_shopper_who_was_seen_has_zero_counts_but_unknown_times() -> None:
    row = row_after(track("Products Searched", query="soup"))
    assert row["product_views_24h"] == 0
    assert row["searches_24h"] == 1
    assert row["views_decayed_7d"] == 0.0
    assert row["last_purchase_at"] is None
    assert row["cart_products"] is None
    assert row["cart_value"] is None


def test_views_count_for_a_day() -> None:
    views = [track("Product Viewed", at=NOW - age, message=f"v{age}", product_id="7") for age in (0, HOUR, 23 * HOUR)]
    old = track("Product Viewed", at=NOW - DAY - HOUR, message="old", product_id="8")
    row = row_after(*views, old)
    assert row["product_views_24h"] == 3
    assert row["last_view_at"] == NOW
    assert row["last_products"] == ["7", "8"]


def test_decayed_views_halve() -> None:
    row = row_after(track("Product Viewed", at=NOW - 7 * DAY, product_id="7"))
    assert row["views_decayed_7d"] == pytest.approx(0.5, rel=0.03)
    assert row["views_decayed_1d"] == pytest.approx(2**-7, rel=0.03)


def test_a_projected_row_reads_at_a_later_moment_as_if_projected_then() -> None:
    state = folded(
        track("Product Viewed", at=NOW - 7 * DAY, product_id="7", message="a"),
        track("Order Completed", at=NOW - HOUR, order_id="o", total="20.00", message="b"),
    )
    later = NOW + 3 * DAY
    moved, fresh = at_moment(project(state, NOW), later), project(state, later)
    for feature in LIVE_FEATURES:
        assert moved[feature.name] == (
            pytest.approx(fresh[feature.name]) if feature.half_life else fresh[feature.name]
        ), feature.name


def test_sales_are_exact_cents_by_order() -> None:
    """19.99 is no binary fraction; the second message repeats an order, the third takes another back."""
    row = row_after(
        track("Order Completed", order_id="o1", total=19.99, message="a"),
        track("Order Completed", order_id="o1", total=19.99, message="b", at=NOW - 1),
        track("Order Completed", order_id="o2", total="5", message="c", at=NOW - 2),
        track("Order Cancelled", order_id="o2", message="d"),
    )
    assert row["orders_24h"] == 1
    assert row["sales_value_decayed_7d"] == 1999.0


def test_an_order_without_total_is_worth_its_lines() -> None:
    products = [{"product_id": "1", "price": 1.1, "quantity": 3}, {"productId": 2, "price": "0.05"}]
    assert row_after(track("Order Completed", order_id="o", products=products))["sales_value_decayed_30d"] == 335.0


def test_the_cart_sums_additions_and_forgets_what_was_removed_or_bought() -> None:
    added = [
        track("Product Added", at=NOW - 9, message="a", product_id="1", price=1.25, quantity=2),
        track("Product Added", at=NOW - 8, message="b", product_id="1", price=1.25),
        track("Product Added", at=NOW - 7, message="c", product_id="2", price="3.00"),
        track("Product Added", at=NOW - 6, message="d", product_id="3", price=9),
    ]
    row = row_after(*added)
    assert (row["cart_products"], row["cart_value"]) == (["1", "2", "3"], 3 * 125 + 300 + 900)
    removed = track("Product Removed", at=NOW - 5, message="e", product_id="3")
    bought = track("Order Completed", at=NOW - 4, message="f", order_id="o", products=[{"product_id": "1"}])
    row = row_after(*added, removed, bought)
    assert (row["cart_products"], row["cart_value"]) == (["2"], 300)


def test_a_late_addition_does_not_come_back_over_its_removal() -> None:
    late = track("Product Added", at=NOW - 10, message="late", product_id="1", price=1)
    row = row_after(track("Product Removed", at=NOW - 5, message="r", product_id="1"), late)
    assert (row["cart_products"], row["cart_value"]) == ([], 0)


def test_part_of_a_quantity_can_be_removed() -> None:
    row = row_after(
        track("Product Added", at=NOW - 2, message="a", product_id="1", price=1, quantity=3),
        track("Product Removed", at=NOW - 1, message="b", product_id="1", quantity=2),
    )
    assert (row["cart_products"], row["cart_value"]) == (["1"], 100)


def test_a_cart_with_an_unknown_price_has_no_value() -> None:
    row = row_after(track("Product Added", product_id="1"))
    assert (row["cart_products"], row["cart_value"]) == (["1"], None)


def test_the_last_channel_and_store_win_by_when_it_happened() -> None:
    store = track("Product Viewed", at=NOW, message="a", product_id="1", context={"channel": "store", "storeId": "s9"})
    late = track("Product Viewed", at=NOW - MINUTE, message="b", product_id="1", context={"channel": "web"})
    row = row_after(store, late)
    assert (row["current_channel"], row["current_store_id"]) == ("store", "s9")


def test_at_most_ten_last_products_each_once_newest_first() -> None:
    views = [track("Product Viewed", at=NOW - n, message=f"m{n}", product_id=str(n % 12)) for n in range(30)]
    assert row_after(*views)["last_products"] == [str(n) for n in range(10)]


def test_a_session_ends_with_a_pause_of_half_an_hour() -> None:
    minutes_ago = (95, 40, 20, 1)
    events = [track("Product Viewed", at=NOW - m * MINUTE, message=f"m{m}", product_id="1") for m in minutes_ago]
    assert row_after(*events)["session_events"] == 3
    assert row_after(*events, now=NOW + HOUR)["session_events"] == 0


@pytest.mark.parametrize("name", ["Experiment Viewed", "Email Opened", "Promotion Viewed"])
def test_what_we_show_does_not_advance_the_moment(name: str) -> None:
    row = row_after(track(name))
    assert row["events_total"] == 0
    assert row["last_event_at"] is None


def test_acts_advance_the_moment() -> None:
    acts = [track("Product Viewed", message="a", product_id="1"), track("Recipe Saved", message="b")]
    assert row_after(*acts)["events_total"] == 2


@pytest.mark.parametrize("price", ["much", "", None, True, float("nan"), float("inf"), "1e400", [], {}])
def test_an_unreadable_price_is_unknown_and_harms_nothing(price: object) -> None:
    row = row_after(track("Product Added", product_id="1", price=price, quantity=price))
    assert (row["cart_products"], row["cart_value"]) == (["1"], None)


@pytest.mark.parametrize("product_id", [None, "", True, [], {"a": 1}])
def test_an_event_without_a_readable_product_still_counts(product_id: object) -> None:
    row = row_after(track("Product Viewed", product_id=product_id))
    assert row["product_views_24h"] == 1
    assert row["last_products"] is None
