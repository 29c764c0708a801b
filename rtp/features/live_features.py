"""The live features of a shopper: all of them, each said once.

To add one, add it to LIVE_FEATURES, and nothing else: the worker folds it, Feast's view `customer_live` and the
look-ups have it, and decisions and training read it (docs/features.md walks through it).
"""

from rtp.features import cart, commerce, offers, orders, recent, session
from rtp.features.accumulators import DAY, HOUR, MINUTE, Register, Total
from rtp.features.definition import (
    Acts,
    LiveFeature,
    count_of_24h,
    decayed_count,
    decayed_sum,
    did,
    sum_of_24h,
    time_of_last,
)
from rtp.features.recent import newest_first, price_at, texts
from rtp.features.types import FeatureType
from rtp.signals.engagement import ad_led_here, dwell_ms, scroll_depth
from rtp.signals.vocabulary import SPECS

INT, FLOAT, TEXT, TIME = FeatureType.INT, FeatureType.FLOAT, FeatureType.TEXT, FeatureType.TIME

_VIEWED = did(commerce.PRODUCT_VIEWED)
_ADDED = did(commerce.PRODUCT_ADDED)
_SEARCHED = did(commerce.PRODUCTS_SEARCHED)
_BOUGHT = did(commerce.ORDER_COMPLETED)
_ACTIVE = Acts(None, commerce.is_activity)
_IN_STORE = Acts(None, lambda event: commerce.is_activity(event) and event.channel == "store")
_EVERYTHING = Acts(None)
_ADVERTISED = Acts(None, ad_led_here)
_READ = Acts(None, lambda event: (scroll_depth(event) or 0) >= session.READ_PERCENT)
_OPENED = did("Email Opened", "Push Notification Received")
_CHECKOUT = did("Checkout Started", "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered")
_SERVICE, _LOYALTY = (
    did(*(each.name for each in SPECS if each.source == source and each.by_shopper))
    for source in ("service", "loyalty")
)
_RETURNED = did("Order Refunded", "Order Returned")
_OFFERED = Acts(offers.EXPOSURES, offers.is_exposure)

CHANNEL = Register("channel", lambda event: recent.short(event.channel) if commerce.is_activity(event) else None)
STORE = Register("store", lambda event: recent.short(event.store_id) if commerce.is_activity(event) else None)
SESSION_WINDOW = session.PAUSE_MINUTES * MINUTE

LIVE_FEATURES: tuple[LiveFeature, ...] = (
    # Counts and values
    count_of_24h("product_views_24h", "Products looked at in the last 24 hours.", _VIEWED),
    count_of_24h("product_adds_24h", "Additions to the cart in the last 24 hours.", _ADDED),
    count_of_24h("searches_24h", "Searches in the last 24 hours.", _SEARCHED),
    LiveFeature(
        name="orders_24h", type=INT, meaning="Orders of the last 24 hours, in every channel.",
        over=orders.ORDERS, value=orders.of_24h, before=0, window=DAY,
    ),
    decayed_count("views_decayed_1h", "Products looked at, halving each hour.", _VIEWED, HOUR),
    decayed_count("views_decayed_1d", "Products looked at, halving each day.", _VIEWED, DAY),
    decayed_count("views_decayed_7d", "Products looked at, halving each week.", _VIEWED, 7 * DAY),
    decayed_count("adds_decayed_1d", "Additions to the cart, halving each day.", _ADDED, DAY),
    decayed_count("adds_decayed_7d", "Additions to the cart, halving each week.", _ADDED, 7 * DAY),
    orders.orders_decayed("orders_decayed_30d", "Orders, halving each 30 days.", 30 * DAY),
    orders.sales_decayed("sales_value_decayed_7d", "Cents spent, halving each week.", 7 * DAY),
    orders.sales_decayed("sales_value_decayed_30d", "Cents spent, halving each 30 days.", 30 * DAY),
    # When last
    time_of_last("last_event_at", "When the shopper last did anything.", _ACTIVE),
    time_of_last("last_view_at", "When they last looked at a product.", _VIEWED),
    time_of_last("last_add_at", "When they last put something into the cart.", _ADDED),
    time_of_last("last_search_at", "When they last searched.", _SEARCHED),
    time_of_last("last_checkout_at", "When they were last at the checkout.", _CHECKOUT),
    time_of_last("last_purchase_at", "When they last ordered.", _BOUGHT),
    time_of_last("last_return_at", "When an order of theirs was last returned or refunded.", _RETURNED),
    time_of_last("last_opened_at", "When a message last reached their eyes.", _OPENED),
    time_of_last("last_ad_click_at", "When an ad last led them here.", _ADVERTISED),
    time_of_last("last_email_click_at", "When they last followed a link in an e-mail.", did("Email Link Clicked")),
    time_of_last("last_service_at", "When they last asked for help.", _SERVICE),
    time_of_last("last_loyalty_at", "When they last used their card or points.", _LOYALTY),
    time_of_last("last_store_visit_at", "When they last did anything in a store.", _IN_STORE),
    # The cart, and what they last dealt with
    *texts("cart_products", "Product ids in the cart, newest first.", cart.CART, cart.cart_products, fields=4),
    LiveFeature(
        name="cart_value", type=INT, over=cart.CART, value=cart.cart_value,
        meaning="What the cart costs, in cents; unknown if a price in it was never told.",
    ),
    *texts(
        "last_products", "The ten products last looked at, newest first.",
        recent.LAST_PRODUCTS, newest_first, fields=2,
    ),
    *texts(
        "last_bought_products", "The twenty products last ordered, newest first.",
        recent.LAST_BOUGHT, newest_first, fields=4,
    ),
    *texts(
        "last_categories", "The five categories last looked at or put into the cart, newest first.",
        recent.LAST_CATEGORIES, newest_first, fields=3,
    ),
    LiveFeature(
        name="price_band_low", type=INT, over=recent.PRICES, value=price_at(0.25),
        meaning="A quarter of the 20 products last looked at, added or bought cost no more, in cents.",
    ),
    LiveFeature(
        name="price_band_middle", type=INT, over=recent.PRICES, value=price_at(0.5),
        meaning="Half of the 20 products last looked at, added or bought cost no more, in cents.",
    ),
    LiveFeature(
        name="price_band_high", type=INT, over=recent.PRICES, value=price_at(0.75),
        meaning="Three quarters of the 20 products last looked at, added or bought cost no more, in cents.",
    ),
    # Offers
    decayed_count("offers_shown_decayed_7d", "Exposures to offers, halving each week.", _OFFERED, 7 * DAY),
    LiveFeature(
        name="offers_seen", type=INT, over=offers.OFFERS, value=offers.seen, before=0,
        meaning="Different offers seen in the 30 days up to the last one.",
    ),
    LiveFeature(
        name="offers_untaken_count", type=INT, over=offers.OFFERS, value=offers.untaken_count, before=0,
        meaning="How many of them were not clicked, applied or ordered with.",
    ),
    *texts(
        "offers_untaken", "Offers seen and not taken, the one seen last first.",
        offers.OFFERS, offers.untaken, fields=2,
    ),
    # Where, and what for
    LiveFeature(
        name="current_channel", type=TEXT, meaning="The channel of the last activity.",
        over=CHANNEL, value=lambda state, _now: str(state[2]),
    ),
    LiveFeature(
        name="current_store_id", type=TEXT, meaning="The last store that an activity named.",
        over=STORE, value=lambda state, _now: str(state[2]),
    ),
    LiveFeature(
        name="session_events", type=INT, over=session.MINUTES, value=session.events, before=0, window=SESSION_WINDOW,
        meaning="Activities since the last pause of 30 minutes (at most four hours back).",
    ),
    LiveFeature(
        name="session_started_at", type=TIME, over=session.MINUTES, value=session.started_at, window=SESSION_WINDOW,
        meaning="When the session that is going on began, to the minute.",
    ),
    LiveFeature(
        name="session_intent", type=TEXT, over=session.MINUTES, value=session.intent, window=SESSION_WINDOW,
        meaning=f"What the session came to: {', '.join(session.INTENTS[:-1])} or {session.INTENTS[-1]}.",
    ),
    LiveFeature(
        name="session_depth", type=INT, over=session.MINUTES, value=session.depth, before=0, window=SESSION_WINDOW,
        meaning="Pages opened in the session, or products looked at where that is more.",
    ),
    LiveFeature(
        name="session_scroll_depth", type=INT, over=session.MINUTES, value=session.scroll_depth, window=SESSION_WINDOW,
        meaning="The deepest scroll of the session, in percent; unknown where no page told.",
    ),
    LiveFeature(
        name="session_dwell_seconds", type=INT, over=session.MINUTES, value=session.dwell_seconds,
        window=SESSION_WINDOW, meaning="How long pages were looked at in the session; unknown where no page told.",
    ),
    sum_of_24h(
        "dwell_ms_24h", "Milliseconds that pages were looked at in the last 24 hours.", _EVERYTHING, dwell_ms,
    ),
    decayed_sum(
        "dwell_seconds_decayed_7d", "Seconds that pages were looked at, halving each week.",
        _EVERYTHING, dwell_ms, 7 * DAY, unit=1000,
    ),
    count_of_24h("pages_read_24h", "Pages read to three quarters or further in the last 24 hours.", _READ),
    LiveFeature(
        name="events_total", type=INT, before=0, value=lambda state, _now: int(state),
        over=Total("acts", commerce.is_meaningful),
        meaning="Meaningful acts so far: what advances the moment of decision. Exposures and opens do not.",
    ),
)  # fmt: skip
