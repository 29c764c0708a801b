"""The feature views, entities and services of the Feast project `rtp`, each said once.

`feature_repo/` builds Feast's objects from them; the online store, the bulk writer and the HTTP look-up read the
same ones. A feature's name is the name of the mart's column. What is private (identifiers, consent, attributes) and
what is long is left out on purpose: a Feast hash is readable by everything that reads features.
"""

from rtp.features.live import AS_OF, LIVE_FEATURES
from rtp.features.types import FeatureType
from rtp.features.view import Entity, Feature, Service, View

INT, FLOAT, TEXT, TIME, TEXTS = (
    FeatureType.INT, FeatureType.FLOAT, FeatureType.TEXT, FeatureType.TIME, FeatureType.TEXTS,
)  # fmt: skip

PROJECT = "rtp"
EVENT_TIME = "as_of"
"""The column of every projected mart that says what moment its row is valid for."""


CUSTOMER = Entity("customer", ("customer_id",), "One person, after identity resolution.")
PRODUCT = Entity("product", ("product_id",), "One product of the catalogue.")
STOCK = Entity("stock", ("store_id", "product_id"), "One product in one store.")
ENTITIES = (CUSTOMER, PRODUCT, STOCK)

CUSTOMER_PROFILE = View(
    name="customer_profile", entity=CUSTOMER, mart="customer_profile", ttl_days=400, owner="customer-data",
    meaning="Recency, frequency, value, affinities and habits out of the order history; rebuilt daily.",
    features=(
        Feature("first_order_at", TIME, "The first order ever seen."),
        Feature("last_order_at", TIME, "The last order before the build."),
        Feature("tenure_days", INT, "Days since the first order."),
        Feature("recency_days", INT, "Days since the last order."),
        Feature("orders_90d", INT, "Orders of the last 90 days."),
        Feature("orders_365d", INT, "Orders of the last 365 days."),
        Feature("units_365d", FLOAT, "Units bought in the last 365 days."),
        Feature("net_sales_90d", FLOAT, "Net sales of the last 90 days, in the currency's unit."),
        Feature("net_sales_365d", FLOAT, "Net sales of the last 365 days, in the currency's unit."),
        Feature("avg_basket_value", FLOAT, "Net sales an order."),
        Feature("avg_days_between_orders", FLOAT, "Mean days from one order to the next."),
        Feature("top_category", TEXT, "The category most was spent on."),
        Feature("top_categories", TEXTS, "The categories most was spent on, most first."),
        Feature("top_category_share", FLOAT, "The share of sales in `top_category`."),
        Feature("top_brand", TEXT, "The brand most was spent on."),
        Feature("top_brands", TEXTS, "The brands most was spent on, most first."),
        Feature("discount_share_365d", FLOAT, "Discount over undiscounted sales: sensitivity to price."),
        Feature("avg_unit_price", FLOAT, "Net price of a unit."),
        Feature("preferred_channel", TEXT, "The channel of most orders."),
        Feature("online_share", FLOAT, "The share of orders that were not made in a store."),
        Feature("favourite_store_id", TEXT, "The store of most orders."),
        Feature("favourite_store_share", FLOAT, "The share of orders made there."),
        Feature("preferred_hour", INT, "The hour of day of most orders, local time."),
        Feature("preferred_weekday", INT, "The day of week of most orders."),
        Feature("coupons_redeemed_365d", INT, "Coupons redeemed in the last 365 days."),
        Feature("coupon_response_rate", FLOAT, "Redeemed over received offers."),
        Feature("return_rate_365d", FLOAT, "Returned over bought units."),
        Feature("region", TEXT, "Where most shopping is done."),
    ),
)  # fmt: skip

CUSTOMER_LIVE = View(
    name="customer_live", entity=CUSTOMER, ttl_days=90, owner="personalization",
    meaning="What the shopper does now, in every channel; written by the worker within a second.",
    features=(
        *(Feature(feature.name, feature.type, feature.meaning) for feature in LIVE_FEATURES),
        Feature(AS_OF, INT, "The moment decayed values and windows are valid for, in microseconds since 1970 UTC."),
    ),
)  # fmt: skip

PRODUCT_PROFILE = View(
    name="product_profile", entity=PRODUCT, mart="product", ttl_days=400, owner="merchandising",
    meaning="What the product is and how it sells; rebuilt daily.",
    features=(
        Feature("name", TEXT, "The name shown."),
        Feature("department", TEXT, "The department."),
        Feature("category", TEXT, "The category."),
        Feature("brand", TEXT, "The brand."),
        Feature("list_price", FLOAT, "List price, in the currency's unit."),
        Feature("unit_cost", FLOAT, "What a unit costs the retailer."),
        Feature("margin_rate", FLOAT, "Margin over list price."),
        Feature("units_28d", FLOAT, "Units sold in 28 days."),
        Feature("units_91d", FLOAT, "Units sold in 91 days."),
        Feature("net_sales_91d", FLOAT, "Net sales of 91 days."),
        Feature("customers_91d", INT, "Customers who bought it in 91 days."),
        Feature("repeat_rate_365d", FLOAT, "The share of its buyers who bought it again within 365 days."),
        Feature("avg_unit_price_91d", FLOAT, "Net price of a unit."),
        Feature("discount_share_91d", FLOAT, "Discount over undiscounted sales."),
        Feature("popularity_rank", INT, "1 is what sells most."),
    ),
)  # fmt: skip

STOCK_DAILY = View(
    name="stock_daily", entity=STOCK, mart="inventory_position", ttl_days=7, owner="inventory",
    meaning="The stock position at the last build; the live one is `stock_live`.",
    features=(
        Feature("on_hand", INT, "Units in the store."),
        Feature("reserved", INT, "Units held for shoppers."),
        Feature("committed", INT, "Units sold and not yet handed over."),
        Feature("safety_stock", INT, "Units never promised."),
        Feature("available", INT, "Units that may be promised."),
        Feature("daily_velocity", FLOAT, "Units sold a day."),
        Feature("days_of_cover", FLOAT, "Days until sold out at that speed."),
        Feature("counted_at", TIME, "When it was last counted."),
        Feature("basis", TEXT, "on_hand, or salable where the feed already left out what cannot be sold."),
    ),
)  # fmt: skip

STOCK_LIVE = View(
    name="stock_live", entity=STOCK, ttl_days=7, owner="inventory",
    meaning="The stock position as movements, reservations and orders change it.",
    features=(
        Feature("on_hand", INT, "Units in the store."),
        Feature("reserved", INT, "Units held for shoppers."),
        Feature("committed", INT, "Units sold and not yet handed over."),
        Feature("safety_stock", INT, "Units never promised."),
        Feature("available", INT, "Units that may be promised."),
        Feature("as_of", INT, "The newest count or movement, in microseconds since 1970 UTC."),
    ),
)  # fmt: skip

VIEWS = (CUSTOMER_PROFILE, CUSTOMER_LIVE, PRODUCT_PROFILE, STOCK_DAILY, STOCK_LIVE)
BATCH_VIEWS = tuple(view for view in VIEWS if view.mart)

NEXT_BEST_ACTION = Service(
    name="next_best_action_v1", views=(CUSTOMER_PROFILE, CUSTOMER_LIVE), owner="personalization",
    meaning="The customer's side of the ranker's vector. The products' side is held by the API, from its version.",
)  # fmt: skip
SERVICES = (NEXT_BEST_ACTION,)
