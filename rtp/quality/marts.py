"""The suites of the marts: keys, ranges, arithmetic, freshness, and no sudden loss of rows."""

from rtp.quality.suite import Range, TableSuite

SHARE = Range(min=0, max=1)
NOT_NEGATIVE = Range(min=0)
FRESH_HOURS = 26.0
"""A mart is checked in the run that built it; older than a day means that the build did not renew it."""
ROW_DROP = 0.3

_SUITES = (
    TableSuite(
        layer="marts",
        table="customer_profile",
        unique=("customer_id",),
        key=("customer_id",),
        min_rows=1,
        max_missing={"customer_id": 0, "as_of": 0},
        ranges={
            "recency_days": NOT_NEGATIVE,
            "tenure_days": NOT_NEGATIVE,
            "orders_90d": NOT_NEGATIVE,
            "orders_365d": NOT_NEGATIVE,
            "units_365d": NOT_NEGATIVE,
            "discount_share_365d": SHARE,
            "online_share": SHARE,
            "top_category_share": SHARE,
            "favourite_store_share": SHARE,
            "return_rate_365d": SHARE,
            "coupon_response_rate": SHARE,
        },
        ordered=(("orders_90d", "orders_365d"), ("first_order_at", "last_order_at"), ("recency_days", "tenure_days")),
        time="as_of",
        max_age_hours=FRESH_HOURS,
        max_row_drop=ROW_DROP,
    ),
    TableSuite(
        layer="marts",
        table="customer_identifier",
        unique=("identifier_type", "identifier_value", "customer_id", "source"),
        key=("customer_id", "identifier_type"),
        max_missing={"customer_id": 0, "identifier_type": 0, "identifier_value": 0},
        max_row_drop=ROW_DROP,
    ),
    TableSuite(
        layer="marts",
        table="product",
        unique=("product_id",),
        key=("product_id",),
        min_rows=1,
        max_missing={"product_id": 0, "as_of": 0},
        ranges={
            "list_price": NOT_NEGATIVE,
            "unit_cost": NOT_NEGATIVE,
            "units_28d": NOT_NEGATIVE,
            "units_91d": NOT_NEGATIVE,
            "customers_91d": NOT_NEGATIVE,
            "repeat_rate_365d": SHARE,
            "discount_share_91d": SHARE,
            "popularity_rank": Range(min=1),
        },
        ordered=(("units_28d", "units_91d"), ("first_sold_at", "last_sold_at")),
        time="as_of",
        max_age_hours=FRESH_HOURS,
        max_row_drop=ROW_DROP,
    ),
    TableSuite(
        layer="marts",
        table="inventory_position",
        unique=("store_id", "product_id"),
        key=("store_id", "product_id"),
        max_missing={"store_id": 0, "product_id": 0, "as_of": 0},
        ranges={
            "reserved": NOT_NEGATIVE,
            "committed": NOT_NEGATIVE,
            "safety_stock": NOT_NEGATIVE,
            "available": NOT_NEGATIVE,
            "daily_velocity": NOT_NEGATIVE,
            "days_of_cover": NOT_NEGATIVE,
        },
        ordered=(("available", "on_hand"),),
        time="as_of",
        max_age_hours=FRESH_HOURS,
        max_row_drop=ROW_DROP,
    ),
    TableSuite(
        layer="marts",
        table="order_line",
        unique=("source", "order_id", "line_id"),
        key=("source", "order_id", "line_id"),
        min_rows=1,
        max_missing={"source": 0, "order_id": 0, "line_id": 0, "product_id": 0, "ordered_at": 0, "quantity": 0},
        ranges={"quantity": NOT_NEGATIVE, "returned_quantity": NOT_NEGATIVE},
        ordered=(("returned_quantity", "quantity"),),
        max_row_drop=ROW_DROP,
    ),
    TableSuite(
        layer="marts",
        table="demand_daily",
        unique=("store_id", "product_id", "day"),
        key=("store_id", "product_id", "day"),
        max_missing={"product_id": 0, "day": 0},
        ranges={"units_sold": NOT_NEGATIVE},
        max_row_drop=ROW_DROP,
    ),
    TableSuite(
        layer="marts",
        table="decision_outcome",
        unique=("decision_id", "action_id"),
        key=("decision_id", "action_id"),
        max_missing={"decision_id": 0},
        ranges={"propensity": SHARE},
    ),
    TableSuite(layer="marts", table="store", unique=("store_id",), key=("store_id",), max_missing={"store_id": 0}),
    TableSuite(layer="marts", table="offer", unique=("offer_id",), key=("offer_id",), max_missing={"offer_id": 0}),
)


def mart_suites() -> dict[str, TableSuite]:
    """One suite per mart, by its name."""
    return {suite.table: suite for suite in _SUITES}
