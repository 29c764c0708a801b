"""What the data set does say, as the feed tables have it. Each function gives one query.

Amounts: `sales_value` is what the retailer receives, so it is `net_amount`; `discount_amount` is what the retailer
gave (loyalty price and its match of coupons). What a manufacturer paid for its coupon is the retailer's money too,
hence no discount of ours: it is kept as the column `manufacturer_coupon_amount`.

Quantities: fuel comes in thousandths of a gallon (at 2.3 dollars a thousand) and becomes gallons; lines of quantity 0
stay as they are. Times are UTC. Lines whose product has no row stay: the warehouse makes unknown products of them.
"""

from rtp.simulation.completejourney.source import Source

NAME = "completejourney"
"""The `source` of every row."""
FUEL = "GASOLINE-REG UNLEADED"
SMALLEST_FUEL_VOLUME = 10
"""Below this, a fuel line's quantity is not a volume but a count of payments."""
LOCAL_ZONE = "America/New_York"
"""Observed: the data set's weeks break at local midnight of this zone."""
FIRST_WEEK = "DATE '2016-12-26'"
"""The Monday of its week 1."""

DISPLAYS = {
    "0": "none", "1": "store front", "2": "store rear", "3": "front end cap", "4": "mid-aisle end cap",
    "5": "rear end cap", "6": "side-aisle end cap", "7": "in-aisle", "9": "secondary location", "A": "in-shelf",
}  # fmt: skip
MAILERS = {
    "0": "none", "A": "interior page feature", "C": "interior page line item", "D": "front page feature",
    "F": "back page feature", "H": "wrap front feature", "J": "wrap interior coupon", "L": "wrap back feature",
    "P": "interior page coupon", "X": "free on interior page", "Z": "free on front page, back page or wrap",
}  # fmt: skip


def quantity_sql(lines: str = "t", products: str = "p") -> str:
    """The quantity in units or gallons."""
    volume = f"{products}.product_type = '{FUEL}' AND {lines}.quantity >= {SMALLEST_FUEL_VOLUME}"
    return f"CASE WHEN {volume} THEN {lines}.quantity / 1000.0 ELSE {lines}.quantity END"


def order_lines(source: Source, channels: str) -> str:
    """One row a line, in the data set's order; a basket holds a product once, so the product numbers the line.

    `channels` is SQL of (basket_id, channel).
    """
    return f"""
        SELECT '{NAME}' AS source, t.basket_id AS order_id, t.product_id AS line_id,
               t.transaction_timestamp AS ordered_at, c.channel,
               t.store_id, t.household_id AS customer_ref, t.product_id,
               CAST({quantity_sql()} AS DECIMAL(14,3)) AS quantity,
               CAST(t.sales_value AS DECIMAL(12,2)) AS net_amount,
               CAST(t.retail_disc + t.coupon_match_disc AS DECIMAL(12,2)) AS discount_amount,
               CAST(t.coupon_disc AS DECIMAL(12,2)) AS manufacturer_coupon_amount, t._line AS _row
        FROM {source.table("transactions")} t LEFT JOIN {source.table("products")} p USING (product_id)
        JOIN {channels} c USING (basket_id)
    """


def promotions(source: Source) -> str:
    """One row a product, store and week, once :func:`repeated_promotions` are out."""
    return f"""
        SELECT product_id, store_id, {FIRST_WEEK} + CAST(week - 1 AS INTEGER) * 7 AS week_start,
               {_decoded("display_location", DISPLAYS)} AS display, {_decoded("mailer_location", MAILERS)} AS mailer,
               _line AS _row
        FROM {source.table("promotions")}
    """


def repeated_promotions(source: Source) -> str:
    """The lines to leave out, as `_line`: 12,785 keys come twice, nearly always once without a display."""
    key, rows = "hash(product_id, store_id, week)", source.table("promotions")
    twice = f"SELECT {key} FROM {rows} GROUP BY {key} HAVING count(*) > 1"
    return f"""
        SELECT _line FROM {rows} WHERE {key} IN ({twice})
        QUALIFY row_number() OVER (
            PARTITION BY product_id, store_id, week ORDER BY display_location DESC, mailer_location DESC, _line) > 1
    """


def _decoded(column: str, words: dict[str, str]) -> str:
    cases = " ".join(f"WHEN '{code}' THEN '{word}'" for code, word in words.items())
    return f"CASE {column} {cases} ELSE {column} END"


def offer_products(source: Source) -> str:
    """Which products a coupon is for."""
    return f"""
        SELECT campaign_id || '-' || coupon_upc AS offer_id, CAST(product_id AS VARCHAR) AS product_id,
               min(_line) AS _row
        FROM {source.table("coupons")} GROUP BY ALL ORDER BY _row
    """


def offer_targets(source: Source) -> str:
    """Every coupon of a campaign for every household of it (of type A each got 16 of them: not known which)."""
    return f"""
        SELECT c.offer_id, '{NAME}' AS source, CAST(h.household_id AS VARCHAR) AS customer_ref,
               row_number() OVER (ORDER BY c.offer_id, h.household_id) AS _row
        FROM (SELECT DISTINCT campaign_id, campaign_id || '-' || coupon_upc AS offer_id
              FROM {source.table("coupons")}) c
        JOIN (SELECT DISTINCT campaign_id, household_id FROM {source.table("campaigns")}) h USING (campaign_id)
        ORDER BY _row
    """


def offer_redemptions(source: Source) -> str:
    """Which household used which coupon on which day; the data set has no time of day: noon is written."""
    return f"""
        SELECT campaign_id || '-' || coupon_upc AS offer_id, '{NAME}' AS source,
               CAST(household_id AS VARCHAR) AS customer_ref,
               timezone('{LOCAL_ZONE}', redemption_date + INTERVAL 12 HOUR) AS redeemed_at, min(_line) AS _row
        FROM {source.table("coupon_redemptions")} GROUP BY ALL ORDER BY _row
    """
