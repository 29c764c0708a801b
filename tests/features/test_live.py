"""What each live feature says after known events."""

from functools import reduce

import pytest

from rtp.features.accumulators import DAY, HOUR, MINUTE
from rtp.features.live import LIVE_FEATURES, LiveState, at_moment, empty_state, fold, project
from rtp.features.recent import listed
from rtp.features.values import FeatureValue
from rtp.signals.event import Event
from rtp.stores.feast_layout import encode_texts
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
    assert (row["cart_products"], row["cart_value"]) == (["3", "2", "1"], 3 * 125 + 300 + 900)
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


def page(at: int, message: str, **more: object) -> Event:
    return Event(
        message_id=message, type="page", name="Home", occurred_at=at, received_at=NOW, anonymous_id="a", **more
    )  # type: ignore[arg-type]


def test_a_session_has_a_beginning_a_depth_and_an_intent_while_it_lasts() -> None:
    events = [
        track("Support Ticket Opened", at=NOW - 90 * MINUTE, message="before", ticket_id="t"),
        *(page(NOW - ago * MINUTE, f"p{ago}") for ago in (20, 12, 5)),
        track("Product Viewed", at=NOW - 12 * MINUTE, message="v", product_id="1"),
        track("Product Added", at=NOW - 4 * MINUTE, message="a", product_id="1"),
    ]
    row = row_after(*events)
    assert row["session_started_at"] == (NOW - 20 * MINUTE) // MINUTE * MINUTE
    assert (row["session_depth"], row["session_intent"]) == (3, "considering")
    over = row_after(*events, now=NOW + HOUR)
    assert (over["session_depth"], over["session_intent"], over["session_started_at"]) == (0, None, None)


def test_a_session_told_late_is_the_same_session() -> None:
    """The act that joins two stretches comes last."""
    events = [track("Products Searched", at=NOW - 50 * MINUTE, message="s"), page(NOW, "p")]
    assert row_after(*events)["session_intent"] == "browsing"
    bridge = page(NOW - 25 * MINUTE, "late")
    assert row_after(*events, bridge)["session_intent"] == "searching"


def test_dwell_and_scroll_are_unknown_until_a_page_tells() -> None:
    silent = row_after(page(NOW, "p"))
    assert (silent["session_scroll_depth"], silent["session_dwell_seconds"]) == (None, None)
    told = row_after(
        track("Page Engaged", message="a", at=NOW - MINUTE, scrollDepth=40, dwellMs=30_500),
        track("Page Engaged", message="b", scrollDepth=85, dwellMs=0),
        track("Page Engaged", message="c", dwellMs="long", scrollDepth=float("nan")),
    )
    assert (told["session_scroll_depth"], told["session_dwell_seconds"]) == (85, 30)
    assert told["dwell_seconds_decayed_7d"] == pytest.approx(30.5, rel=0.03)


def test_a_page_left_open_overnight_was_not_looked_at_all_night() -> None:
    assert row_after(track("Page Engaged", dwellMs=9 * HOUR // 1000))["session_dwell_seconds"] == 1800


def test_the_price_band_is_that_of_what_was_last_looked_at() -> None:
    views = [track("Product Viewed", message=f"m{n}", at=NOW - n, product_id=str(n), price=n + 1) for n in range(30)]
    row = row_after(*views)
    assert (row["price_band_low"], row["price_band_middle"], row["price_band_high"]) == (600, 1100, 1600)
    assert row_after(track("Product Viewed", product_id="1"))["price_band_low"] is None


def test_offers_seen_and_not_taken() -> None:
    row = row_after(
        track("Promotion Viewed", at=NOW - 9, message="a", promotion_id="spring"),
        track("Email Opened", at=NOW - 8, message="b", offerId="mail"),
        track("Decision Viewed", at=NOW - 7, message="c", actions=[{"offerId": "home"}, {"productId": "p"}]),
        track("Promotion Clicked", at=NOW - 6, message="d", promotion_id="spring"),
        track("Promotion Viewed", at=NOW - 5, message="e", promotion_id="spring"),
        track("Order Completed", at=NOW - 4, message="f", order_id="o", coupon="mail"),
    )
    assert (row["offers_seen"], row["offers_untaken_count"], row["offers_untaken"]) == (3, 1, ["home"])
    assert row["offers_shown_decayed_7d"] == pytest.approx(4, rel=0.03)


def test_whoever_saw_no_offer_has_seen_none() -> None:
    row = row_after(track("Email Opened"))
    assert (row["offers_seen"], row["offers_untaken_count"], row["offers_untaken"]) == (0, 0, None)


@pytest.mark.parametrize(
    ("name", "feature"),
    [
        ("Checkout Started", "last_checkout_at"), ("Order Returned", "last_return_at"),
        ("Email Opened", "last_opened_at"), ("Ad Clicked", "last_ad_click_at"),
        ("Support Ticket Rated", "last_service_at"), ("Loyalty Card Scanned", "last_loyalty_at"),
        ("Store Entered", "last_store_visit_at"),
    ],
)  # fmt: skip
def test_each_kind_of_act_has_its_last_time(name: str, feature: str) -> None:
    assert row_after(track(name))[feature] == NOW
    assert row_after(track("Recipe Saved"))[feature] is None


def test_long_lists_go_into_several_short_values_and_come_out_whole() -> None:
    ids = [str(1_000_000 + number) for number in range(20)]
    bought = track("Order Completed", order_id="o", products=[{"product_id": each} for each in ids])
    row = row_after(bought)
    assert sorted(listed(row, "last_bought_products")) == ids
    assert all(len(encode_texts(value)) <= 64 for value in row.values() if isinstance(value, list))
    assert listed(row_after(page(NOW, "p")), "last_bought_products") == []


def test_a_channel_too_long_to_be_one_is_not_kept() -> None:
    assert row_after(track("Recipe Saved", context={"channel": "x" * 63, "storeId": "s"}))["current_channel"] is None
