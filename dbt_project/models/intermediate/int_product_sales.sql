{{ config(meta = {'dagster': {'group': 'inventory'}}) }}

-- Grain: one row per product ever sold.
with lines as (
    select * from {{ ref('order_line') }}
),

as_of as (
    select as_of, as_of - interval 28 day as d28, as_of - interval 91 day as d91, as_of - interval 365 day as d365
    from {{ ref('int_as_of') }}
),

sums as (
    select
        product_id,
        sum(quantity - coalesce(returned_quantity, 0)) filter (where ordered_at >= d28) as units_28d,
        sum(quantity - coalesce(returned_quantity, 0)) filter (where ordered_at >= d91) as units_91d,
        sum(quantity) filter (where ordered_at >= d91) as sold_91d,
        sum(net_amount) filter (where ordered_at >= d91) as net_sales_91d,
        sum(discount_amount) filter (where ordered_at >= d91) as discount_91d,
        count(distinct customer_id) filter (where ordered_at >= d91) as customers_91d,
        count(distinct order_id) filter (where ordered_at >= d91) as orders_91d,
        min(ordered_at) as first_sold_at,
        max(ordered_at) as last_sold_at
    from lines
    cross join as_of
    group by product_id
),

buyers as (
    select product_id, customer_id, count(distinct order_id) as orders
    from lines
    cross join as_of
    where ordered_at >= d365 and customer_id is not null
    group by product_id, customer_id
),

repeats as (
    select product_id, avg(case when orders >= 2 then 1.0 else 0.0 end) as repeat_rate_365d
    from buyers
    group by product_id
),

ranked as (
    select
        product_id,
        cast(row_number() over (order by orders_91d desc, net_sales_91d desc, product_id) as integer) as popularity_rank
    from sums
    where orders_91d > 0
),

final as (
    select
        sums.product_id,
        sums.units_28d,
        sums.units_91d,
        sums.net_sales_91d,
        sums.customers_91d,
        repeats.repeat_rate_365d,
        cast(sums.net_sales_91d as double) / nullif(cast(sums.sold_91d as double), 0) as avg_unit_price_91d,
        cast(sums.discount_91d as double) / nullif(cast(sums.net_sales_91d + sums.discount_91d as double), 0)
            as discount_share_91d,
        sums.first_sold_at,
        sums.last_sold_at,
        ranked.popularity_rank
    from sums
    left join repeats on sums.product_id = repeats.product_id
    left join ranked on sums.product_id = ranked.product_id
)

select * from final
