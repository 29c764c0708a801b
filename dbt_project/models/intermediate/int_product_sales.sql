{{ config(meta = {'dagster': {'group': 'inventory'}}) }}

-- Grain: one row per product ever sold.
with lines as (
    select * from {{ ref('order_line') }}
),

as_of as (
    select as_of, as_of - interval 28 day as d28, as_of - interval 91 day as d91, as_of - interval 365 day as d365
    from {{ ref('int_as_of') }}
),

-- From fine to coarse, in one pass over the lines: counting different customers needs no sets that way, and a customer
-- came back if the first and the last order, by their hashes, are two.
by_customer as (
    select
        product_id,
        customer_id,
        min(ordered_at) as first_at,
        max(ordered_at) as last_at,
        min(hash(source, order_id)) filter (where ordered_at >= d365) as least_order,
        max(hash(source, order_id)) filter (where ordered_at >= d365) as greatest_order,
        count(*) filter (where ordered_at >= d91) as lines_91d,
        sum(quantity - coalesce(returned_quantity, 0)) filter (where ordered_at >= d28) as units_28d,
        sum(quantity - coalesce(returned_quantity, 0)) filter (where ordered_at >= d91) as units_91d,
        sum(quantity) filter (where ordered_at >= d91) as sold_91d,
        sum(net_amount) filter (where ordered_at >= d91) as net_sales_91d,
        sum(discount_amount) filter (where ordered_at >= d91) as discount_91d
    from lines
    cross join as_of
    group by product_id, customer_id
),

sums as (
    select
        product_id,
        sum(units_28d) as units_28d,
        sum(units_91d) as units_91d,
        sum(sold_91d) as sold_91d,
        sum(net_sales_91d) as net_sales_91d,
        sum(discount_91d) as discount_91d,
        count(customer_id) filter (where lines_91d > 0) as customers_91d,
        sum(lines_91d) as lines_91d,
        avg(case when least_order <> greatest_order then 1.0 else 0.0 end)
            filter (where customer_id is not null and least_order is not null) as repeat_rate_365d,
        min(first_at) as first_sold_at,
        max(last_at) as last_sold_at
    from by_customer
    group by product_id
),

ranked as (
    select
        product_id,
        cast(row_number() over (order by lines_91d desc, net_sales_91d desc, product_id) as integer) as popularity_rank
    from sums
    where lines_91d > 0
),

final as (
    select
        sums.product_id,
        sums.units_28d,
        sums.units_91d,
        sums.net_sales_91d,
        sums.customers_91d,
        sums.repeat_rate_365d,
        cast(sums.net_sales_91d as double) / nullif(cast(sums.sold_91d as double), 0) as avg_unit_price_91d,
        cast(sums.discount_91d as double) / nullif(cast(sums.net_sales_91d + sums.discount_91d as double), 0)
            as discount_share_91d,
        sums.first_sold_at,
        sums.last_sold_at,
        ranked.popularity_rank
    from sums
    left join ranked on sums.product_id = ranked.product_id
)

select * from final
