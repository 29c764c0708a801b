"""List prices from what was paid, costs and coupon values by seed."""

from rtp.simulation.companion.draws import between, one_of
from rtp.simulation.completejourney.real import LOCAL_ZONE, quantity_sql
from rtp.simulation.completejourney.source import Source

SIMULATED_PRODUCT_COLUMNS = "list_price,unit_cost"
SIMULATED_OFFER_COLUMNS = "name,discount_amount"
MARGINS = {
    "GROCERY": 0.26, "PRODUCE": 0.38, "MEAT": 0.24, "MEAT-PCKGD": 0.26, "DELI": 0.42, "PASTRY": 0.46, "DRUG GM": 0.34,
    "COSMETICS": 0.40, "NUTRITION": 0.33, "SEAFOOD": 0.27, "SEAFOOD-PCKGD": 0.28, "FLORAL": 0.45, "SPIRITS": 0.24,
    "SALAD BAR": 0.48, "FUEL": 0.06, "RESTAURANT": 0.50,
}  # fmt: skip
"""A plausible gross margin per department; elsewhere 30 %. Private labels earn 8 points more."""


def list_prices(source: Source) -> str:
    """product_id, list_price: the median over its lines of the price before the retailer's discounts; 0 is no price."""
    paid = f"(t.sales_value + t.retail_disc + t.coupon_match_disc) / nullif({quantity_sql()}, 0)"
    return f"""
        SELECT t.product_id, nullif(CAST(median({paid}) AS DECIMAL(12,2)), 0) AS list_price
        FROM {source.table("transactions")} t LEFT JOIN {source.table("products")} p USING (product_id)
        WHERE t.quantity > 0 GROUP BY 1
    """


def products(source: Source) -> str:
    """One row a product of the catalogue. What was never sold has neither price nor cost: not known is not zero."""
    department = " ".join(f"WHEN '{name}' THEN {margin}" for name, margin in MARGINS.items())
    own = "CASE WHEN p.brand = 'Private' THEN 0.08 ELSE 0 END"
    margin = (
        f"(CASE p.department {department} ELSE 0.30 END + {own} + {between(-0.05, 0.05, 'margin', 'p.product_id')})"
    )
    return f"""
        SELECT CAST(p.product_id AS VARCHAR) AS product_id,
               nullif(concat_ws(' ', p.product_type, p.package_size), '') AS name, p.department,
               p.product_category AS category, p.brand, l.list_price,
               CAST(l.list_price * (1 - {margin}) AS DECIMAL(12,2)) AS unit_cost, p.product_type, p.package_size,
               CAST(p.manufacturer_id AS VARCHAR) AS manufacturer_id, p._line AS _row
        FROM {source.table("products")} p LEFT JOIN ({list_prices(source)}) l USING (product_id) ORDER BY _row
    """


def offers(source: Source) -> str:
    """One row a coupon of a campaign, real in its dates and products; what it is worth is made up."""
    value = one_of(("0.50", "0.75", "1.00", "1.00", "1.50", "2.00"), "coupon", "c.coupon_upc")
    worth = (
        f"CAST(least(CAST({value} AS DECIMAL(12,2)), greatest(0.25, round(c.price * 0.4 * 4) / 4)) AS DECIMAL(12,2))"
    )
    return f"""
        WITH c AS (
            SELECT k.campaign_id, k.coupon_upc, mode(p.product_category) AS category, median(l.list_price) AS price,
                   min(k._line) AS _row
            FROM {source.table("coupons")} k LEFT JOIN {source.table("products")} p USING (product_id)
            LEFT JOIN ({list_prices(source)}) l USING (product_id) GROUP BY ALL),
        valued AS (SELECT *, {worth} AS worth FROM c)
        SELECT c.campaign_id || '-' || c.coupon_upc AS offer_id, 'coupon' AS kind,
               'Save $' || c.worth || ' on ' || lower(coalesce(c.category, 'selected products')) AS name,
               timezone('{LOCAL_ZONE}', d.start_date) AS starts_at,
               timezone('{LOCAL_ZONE}', d.end_date + INTERVAL 1 DAY - INTERVAL 1 SECOND) AS ends_at,
               c.worth AS discount_amount, CAST(NULL AS DOUBLE) AS discount_rate, CAST(NULL AS VARCHAR) AS channels,
               CAST(c.campaign_id AS VARCHAR) AS campaign_id, d.campaign_type, c._row
        FROM valued c JOIN {source.table("campaign_descriptions")} d USING (campaign_id) ORDER BY c._row
    """
