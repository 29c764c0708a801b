"""The suites of the marts: keys, ranges, arithmetic, freshness, and no sudden loss of rows."""

from rtp.quality.suite import Family, Order, Range, TableSuite

SHARE = Range(min=0, max=1)
NOT_NEGATIVE = Range(min=0)
FRESH_HOURS = 15 * 24.0
"""A mart speaks for the end of the newest day that the feeds know, so it may be a day older than they."""
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
        ordered=(
            Order("orders_90d", "orders_365d"),
            Order("first_order_at", "last_order_at"),
            Order("recency_days", "tenure_days"),
        ),
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
            "customers_91d": NOT_NEGATIVE,
            "repeat_rate_365d": SHARE,
            "discount_share_91d": SHARE,
            "popularity_rank": Range(min=1),
        },
        ordered=(Order("first_sold_at", "last_sold_at"),),
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
        # What was sold beyond the count leaves on_hand below zero and nothing available.
        ordered=(Order("available", "on_hand", floor=0),),
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
        ordered=(Order("returned_quantity", "quantity"),),
        max_row_drop=ROW_DROP,
    ),
    TableSuite(
        layer="marts",
        table="demand_daily",
        unique=("store_id", "product_id", "day"),
        key=("store_id", "product_id", "day"),
        max_missing={"product_id": 0, "day": 0},
        ranges={"units_sold": NOT_NEGATIVE, "units_returned": NOT_NEGATIVE, "orders": Range(min=1)},
        max_row_drop=ROW_DROP,
    ),
    TableSuite(
        layer="marts",
        table="decision_outcome",
        unique=("decision_id",),
        key=("decision_id",),
        max_missing={"decision_id": 0, "decided_at": 0},
        ranges={"first_propensity": SHARE, "actions": NOT_NEGATIVE, "rewarded_lines": NOT_NEGATIVE},
        ordered=(Order("decided_at", "viewed_at"), Order("decided_at", "rewarded_at")),
        # A browser's clock may be wrong: an event from before its decision is odd, and stops nothing.
        warn_only=(Family.ORDER,),
    ),
    TableSuite(
        layer="marts",
        table="channel_funnel",
        unique=("channel", "day"),
        key=("channel", "day"),
        max_missing={"day": 0},
        ranges={"events": NOT_NEGATIVE, "orders": NOT_NEGATIVE, "decisions": NOT_NEGATIVE},
        ordered=(
            Order("fallback_decisions", "decisions"),
            Order("rewarded_decisions", "added_decisions"),
            Order("added_decisions", "viewed_decisions"),
            Order("viewed_decisions", "decisions"),
        ),
    ),
    TableSuite(
        layer="marts",
        table="experiment_result",
        unique=("experiment_id", "variation_id"),
        key=("experiment_id", "variation_id"),
        max_missing={"experiment_id": 0, "variation_id": 0},
        ranges={"conversion_rate": SHARE, "value_variance": NOT_NEGATIVE},
        ordered=(Order("conversions", "subjects"), Order("crossover_subjects", "subjects")),
    ),
    TableSuite(layer="marts", table="store", unique=("store_id",), key=("store_id",), max_missing={"store_id": 0}),
    TableSuite(layer="marts", table="offer", unique=("offer_id",), key=("offer_id",), max_missing={"offer_id": 0}),
)


def mart_suites() -> dict[str, TableSuite]:
    """One suite per mart, by its name."""
    return {suite.table: suite for suite in _SUITES}
