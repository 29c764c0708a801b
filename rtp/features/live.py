"""The live features of a shopper, each defined once; folded event by event, combined over fragments, projected.

To add one, add it to LIVE_FEATURES: the worker folds it, Feast's view `customer_live` lists it, and the vector of
training reads it. `fold`, `combine` and `project` are pure; a state is a JSON value.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rtp.features import commerce
from rtp.features.accumulators import Accumulator, Cells, Newest, Register, Total
from rtp.features.cart import CART, cart_products, cart_value
from rtp.features.definition import (
    DAY,
    HOUR,
    MINUTE,
    LiveFeature,
    count_of_24h,
    decay,
    decayed_count,
    sum_of_24h,
    time_of_last,
)  # fmt: skip
from rtp.features.types import FeatureType
from rtp.features.values import FeatureRow, FeatureValue
from rtp.signals.engagement import ad_led_here, dwell_ms, scroll_depth
from rtp.signals.event import Event
from rtp.signals.vocabulary import BY_NAME, Source

LiveState = dict[str, Any]
"""Accumulator name to its state, in the order of definition; an accumulator that nothing touched is absent."""

READ_PERCENT = 75
"""A page scrolled so far was read."""
SESSION_PAUSE_MINUTES = 30
SESSION_MINUTES_KEPT = 240


def _did(name: str) -> Any:
    return lambda event: commerce.is_track(event, name)


def _looked_at(event: Event) -> bool:
    return commerce.is_track(event, commerce.PRODUCT_VIEWED)


def _of_source(event: Event, source: Source) -> bool:
    spec = BY_NAME.get(event.name) if event.type == "track" else None
    return spec is not None and spec.source == source and spec.by_shopper


def _products(event: Event) -> list[list[Any]]:
    if not _looked_at(event):
        return []
    return [[event.occurred_at, event.message_id, line.product_id] for line in commerce.product_lines(event)]


def _bought(event: Event) -> list[list[Any]]:
    if not commerce.is_track(event, commerce.ORDER_COMPLETED):
        return []
    return [[event.occurred_at, event.message_id, line.product_id] for line in commerce.product_lines(event)]


def _categories(event: Event) -> list[list[Any]]:
    if event.type != "track" or event.name not in {commerce.PRODUCT_VIEWED, commerce.PRODUCT_ADDED}:
        return []
    lines = commerce.product_lines(event)
    return [[event.occurred_at, event.message_id, line.category] for line in lines if line.category]


def _newest_first(state: list[list[Any]], _now: int) -> list[str]:
    return [entry[2] for entry in reversed(state)]


def _last_word(state: list[Any], _now: int) -> str:
    return str(state[2])


def _orders_of_24h(state: list[list[Any]], now: int) -> int:
    return sum(1 for at, _, placed, _ in state if placed and at > now - DAY)


def _session_events(state: list[list[int]], now: int) -> int:
    """Events since the last pause of half an hour; 0 once such a pause is on."""
    later, events = now // MINUTE, 0
    for minute, count in reversed(state):
        if later - minute > SESSION_PAUSE_MINUTES:
            break
        later, events = minute, events + count
    return events


def _sales(name: str, meaning: str, half_life: int) -> LiveFeature:
    return LiveFeature(
        name=name, type=FeatureType.FLOAT, meaning=meaning, over=ORDERS, before=0.0, half_life=half_life,
        value=lambda state, now: sum(
            (cents * decay(now - at, half_life) for at, _, placed, cents in state if placed and cents > 0), 0.0
        ),
    )  # fmt: skip


ORDERS = Newest("orders", commerce.ordered, key=slice(1, 2), limit=200, horizon=240 * DAY)
LAST_PRODUCTS = Newest("last_products", _products, key=slice(2, 3), limit=10, horizon=30 * DAY)
LAST_BOUGHT = Newest("last_bought", _bought, key=slice(2, 3), limit=20, horizon=7 * DAY)
LAST_CATEGORIES = Newest("last_categories", _categories, key=slice(2, 3), limit=5, horizon=30 * DAY)
CHANNEL = Register("channel", lambda event: event.channel if commerce.is_activity(event) else None)
STORE = Register("store", lambda event: event.store_id if commerce.is_activity(event) else None)
SESSION = Cells(
    "session", lambda event: 1 if commerce.is_activity(event) else None, width=MINUTE, keep=SESSION_MINUTES_KEPT
)

LIVE_FEATURES: tuple[LiveFeature, ...] = (
    count_of_24h("product_views_24h", "Products looked at in the last 24 hours.", _looked_at),
    count_of_24h("product_adds_24h", "Additions to the cart in the last 24 hours.", _did(commerce.PRODUCT_ADDED)),
    count_of_24h("searches_24h", "Searches in the last 24 hours.", _did(commerce.PRODUCTS_SEARCHED)),
    LiveFeature(
        name="orders_24h", type=FeatureType.INT, meaning="Orders of the last 24 hours, in every channel.",
        over=ORDERS, value=_orders_of_24h, before=0, window=DAY,
    ),
    decayed_count("views_decayed_1h", "Products looked at, halving each hour.", _looked_at, HOUR),
    decayed_count("views_decayed_1d", "Products looked at, halving each day.", _looked_at, DAY),
    decayed_count("views_decayed_7d", "Products looked at, halving each week.", _looked_at, 7 * DAY),
    _sales("sales_value_decayed_7d", "Cents spent, halving each week.", 7 * DAY),
    _sales("sales_value_decayed_30d", "Cents spent, halving each 30 days.", 30 * DAY),
    time_of_last("last_event_at", "When the shopper last did anything.", commerce.is_activity),
    time_of_last("last_view_at", "When they last looked at a product.", _looked_at),
    time_of_last("last_add_at", "When they last put something into the cart.", _did(commerce.PRODUCT_ADDED)),
    time_of_last("last_search_at", "When they last searched.", _did(commerce.PRODUCTS_SEARCHED)),
    sum_of_24h("dwell_ms_24h", "Milliseconds that pages were looked at in the last 24 hours.", dwell_ms),
    count_of_24h(
        "pages_read_24h", "Pages read to three quarters or further in the last 24 hours.",
        lambda event: (scroll_depth(event) or 0) >= READ_PERCENT,
    ),
    time_of_last("last_ad_click_at", "When an ad last led them here.", ad_led_here),
    time_of_last("last_email_click_at", "When they last followed a link in an e-mail.", _did("Email Link Clicked")),
    time_of_last("last_service_at", "When they last asked for help.", lambda event: _of_source(event, "service")),
    time_of_last(
        "last_loyalty_at", "When they last used their card or points.", lambda event: _of_source(event, "loyalty")
    ),
    time_of_last("last_purchase_at", "When they last ordered.", _did(commerce.ORDER_COMPLETED)),
    LiveFeature(
        name="cart_products", type=FeatureType.TEXTS, meaning="Product ids in the cart.",
        over=CART, value=cart_products,
    ),
    LiveFeature(
        name="cart_value", type=FeatureType.INT, over=CART, value=cart_value,
        meaning="What the cart costs, in cents; unknown if a price in it was never told.",
    ),
    LiveFeature(
        name="last_products", type=FeatureType.TEXTS, over=LAST_PRODUCTS, value=_newest_first,
        meaning="The ten products last looked at, newest first.",
    ),
    LiveFeature(
        name="last_bought_products", type=FeatureType.TEXTS, over=LAST_BOUGHT, value=_newest_first,
        meaning="The twenty products last ordered, newest first.",
    ),
    LiveFeature(
        name="last_categories", type=FeatureType.TEXTS, over=LAST_CATEGORIES, value=_newest_first,
        meaning="The five categories last looked at or put into the cart, newest first.",
    ),
    LiveFeature(
        name="current_channel", type=FeatureType.TEXT, meaning="The channel of the last activity.",
        over=CHANNEL, value=_last_word,
    ),
    LiveFeature(
        name="current_store_id", type=FeatureType.TEXT, meaning="The last store that an activity named.",
        over=STORE, value=_last_word,
    ),
    LiveFeature(
        name="session_events", type=FeatureType.INT, over=SESSION, value=_session_events, before=0,
        window=SESSION_PAUSE_MINUTES * MINUTE,
        meaning="Activities since the last pause of 30 minutes (at most four hours back).",
    ),
    LiveFeature(
        name="events_total", type=FeatureType.INT, before=0, value=lambda state, _now: int(state),
        over=Total("acts", commerce.is_meaningful),
        meaning="Meaningful acts so far: what advances the moment of decision. Exposures and opens do not.",
    ),
)  # fmt: skip

AS_OF = "as_of"
"""The feature that every projection has besides: the moment it is valid for, in microseconds."""

ACCUMULATORS: tuple[Accumulator, ...] = tuple({feature.over.name: feature.over for feature in LIVE_FEATURES}.values())
_PROJECTING = [(each.name, each.over.name, each.value, each.before) for each in LIVE_FEATURES]
_LIFTING = [(part.name, part.lift) for part in ACCUMULATORS]
_COMBINING = [(part.name, part.combine) for part in ACCUMULATORS]
SEEN = "seen"
"""The key that says that any event was folded: from then on counters are 0 and not unknown."""


def empty_state() -> LiveState:
    """The state of a shopper nobody has seen: the neutral element of `combine`."""
    return {}


def fold(state: LiveState, event: Event) -> LiveState:
    """The state after one more event; gives a new value, and the same one in whatever order events come.

    Does not recognise repetitions: the caller drops messages that it has folded already.
    """
    return combine((state, lift(event)))


def lift(event: Event) -> LiveState:
    """The state that one event alone amounts to."""
    lifted = {name: value for name, lift_part in _LIFTING if (value := lift_part(event)) is not None}
    return {SEEN: 1, **lifted}


def combine(states: Iterable[LiveState]) -> LiveState:
    """The state of all fragments together: associative and commutative, `empty_state()` is neutral."""
    result: LiveState = {}
    for state in states:
        result = _combine_two(result, state) if result and state else (state or result)
    return result


def _combine_two(left: LiveState, right: LiveState) -> LiveState:
    combined: LiveState = {SEEN: 1}
    for name, combine_part in _COMBINING:
        one, other = left.get(name), right.get(name)
        if one is not None and other is not None:
            combined[name] = combine_part(one, other)
        elif one is not None or other is not None:
            combined[name] = one if other is None else other
    return combined


def project(state: LiveState, now: int) -> dict[str, FeatureValue]:
    """The values of LIVE_FEATURES at `now` (microseconds), and `as_of`; None is "never", or nobody seen at all.

    Take `now` before reading fragments: then of two projections of one customer the later `as_of` knows more.
    """
    row: dict[str, FeatureValue] = {AS_OF: now}
    for name, over, value, before in _PROJECTING:
        part = state.get(over)
        row[name] = value(part, now) if part is not None else (before if state else None)
    return row


def at_moment(row: FeatureRow, now: int) -> dict[str, FeatureValue]:
    """A projected row as it reads at a later `now`: decayed on from its `as_of`, windows that have passed emptied.

    Every reader uses this, training included, so that one row means the same in all of them.
    """
    moved = dict(row)
    as_of, last = row.get(AS_OF), row.get("last_event_at")
    if not isinstance(as_of, int) or now <= as_of:
        return moved
    for feature in LIVE_FEATURES:
        value = row.get(feature.name)
        if feature.half_life and isinstance(value, float):
            moved[feature.name] = value * decay(now - as_of, feature.half_life)
        elif feature.window and value is not None and isinstance(last, int) and last <= now - feature.window:
            moved[feature.name] = 0
    return moved


def features_by_name() -> Mapping[str, LiveFeature]:
    """LIVE_FEATURES by their names."""
    return {feature.name: feature for feature in LIVE_FEATURES}
