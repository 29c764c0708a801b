"""Which columns may show their values in a report. Whatever is not listed may not: a new column is hidden."""

SHOWN = frozenset({
    "basis", "brand", "category", "channel", "channels", "channel_weight", "committed", "counted_at", "customers_91d",
    "daily_velocity", "day", "days_of_cover", "delivery", "duplicate_share", "missing_share", "other_share",
    "type_share", "department", "discount_amount", "discount_rate",
    "discount_share_91d", "display", "ends_at", "expected", "expected_at", "found", "hours_since_newest",
    "kind", "latitude", "line_id", "list_price", "longitude", "mailer", "margin_rate", "net_amount",
    "offer_id", "on_hand", "order_id", "ordered_at", "popularity_rank", "preferred_channel", "product_id", "purpose",
    "quantity", "redeemed_at", "reserved", "returned_quantity", "rows",
    "rows_kept", "safety_stock", "available", "source", "starts_at", "status", "store_id", "type",
    "unit_cost", "week_start", "decision_id", "as_of", "units", "date", "fallback", "placement",
})  # fmt: skip
"""Facts about products, stores, offers, stock and files. Nothing about a person, and no free text a person wrote."""


def shows_values(columns: tuple[str, ...]) -> bool:
    """Whether values of all these columns may be printed."""
    return all(column in SHOWN for column in columns)
