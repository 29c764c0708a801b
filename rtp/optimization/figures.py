"""What sells: figures of products and stores, from the tables of rtp.optimization.sales.prepare."""

import duckdb

from rtp.optimization.sales import Columns, query

HALF_LIFE_DAYS = 56.0
"""For what sells in general and in a store: a sale weighs half after eight weeks."""


def product_stats(db: duckdb.DuckDBPyConnection, as_of: int) -> Columns:
    """One row a product of the catalogue, in the order of its index."""
    return query(
        db,
        """
        with buyer as (
            select product, customer_id, count(*) as baskets, (max(moment) - min(moment)) / 86400.0 as span
            from item where customer_id is not null group by product, customer_id
        ),
        bought as (
            select product, count(*) as customers, avg(cast(baskets >= 2 as int)) as repeat_rate,
                   sum(span) / nullif(sum(baskets - 1) filter (baskets >= 2), 0) as typical_gap_days
            from buyer group by product
        ),
        sold as (
            select product, sum(pow(0.5, ($as_of - moment) / 86400.0 / $half_life)) as weight,
                   count(*) filter (moment >= $as_of - 28 * 86400) as recent,
                   count(*) filter (moment >= $as_of - 91 * 86400) as longer
            from item group by product
        ),
        paid as (
            select product, avg(net / units) filter (units > 0 and net > 0) as price,
                   avg(ln(greatest(net / units, 0.01))) filter (units > 0 and net > 0) as log_price,
                   sum(discount) / nullif(sum(net + discount), 0) as discount_share
            from sale join known_product using (product_id) group by product
        )
        select product_id, coalesce(any_value(name), '') as name, coalesce(any_value(category), '') as category,
               coalesce(any_value(department), '') as department, coalesce(any_value(brand), '') as brand,
               cast(any_value(list_price) as double) as list_price, cast(any_value(unit_cost) as double) as unit_cost,
               any_value(price) as price, any_value(weight) as weight,
               any_value(3.25 * recent / nullif(longer, 0)) as trend,
               any_value(repeat_rate) as repeat_rate, cast(any_value(customers) as double) as customers,
               any_value(typical_gap_days) as typical_gap_days, any_value(log_price) as log_price,
               any_value(paid.discount_share) as discount_share
        from known_product left join product using (product_id)
        left join bought using (product) left join sold using (product) left join paid using (product)
        group by product_id, known_product.product order by known_product.product
        """,
        {"as_of": as_of, "half_life": HALF_LIFE_DAYS},  # type: ignore[arg-type]
    )


def dayparts(db: duckdb.DuckDBPyConnection) -> Columns:
    """Sales by product and part of the week (as rtp.decisioning.catalog.daypart)."""
    return query(
        db,
        """
        select product, cast(case when (moment // 86400 + 4) % 7 in (0, 6) then 6 + moment % 86400 // 43200
                             else moment % 86400 // 14400 end as integer) as part, count(*) as sales
        from item group by all
        """,
    )


def store_sales(db: duckdb.DuckDBPyConnection, as_of: int) -> Columns:
    """Decayed sales by store and product, and the store's decayed baskets."""
    return query(
        db,
        """
        with weighed as (
            select store, product, order_id, pow(0.5, ($as_of - moment) / 86400.0 / $half_life) as weight
            from item where store is not null
        ),
        visits as (select store, sum(weight) as total from
                   (select store, order_id, max(weight) as weight from weighed group by store, order_id) group by store)
        select store, product, cast(sum(weight) / any_value(total) as float) as share
        from weighed join visits using (store) group by store, product order by store, product
        """,
        {"as_of": as_of, "half_life": HALF_LIFE_DAYS},  # type: ignore[arg-type]
    )
