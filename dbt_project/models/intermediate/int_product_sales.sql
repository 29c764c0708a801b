{{ config(meta = {'dagster': {'group': 'inventory'}}) }}

-- Grain: one row per product ever sold.
with lines as (
    select * from {{ ref('order_line') }}
),

as_of as (
    select as_of, as_of - interval 28 day as d28, as_of - interval 91 day as d91, as_of - interval 365 day as d365
    from {{ ref('int_as_of') }}
),

-- From fine to coarse: counting different customers needs no sets that way, and a customer came back if the first and
-- the last order, by their hashes, are two.
ever_by_customer as (
    select
        product_id,
        customer_id,
        min(ordered_at) as first_at,
        max(ordered_at) as last_at,
        min(hash(source, order_id)) filter (where ordered_at >= d365) as least_order,
        max(hash(source, order_id)) filter (where ordered_at >= d365) as greatest_order
    from lines
    cross join as_of
    group by product_id, customer_id
),

ever as (
    select
        product_id,
        avg(case when least_order <> greatest_order then 1.0 else 0.0 end)
            filter (where customer_id is not null and least_order is not null) as repeat_rate_365d,
        min(first_at) as first_sold_at,
        max(last_at) as last_sold_at
    from ever_by_customer
    group by product_id
),

-- Sums of exact amounts are what costs: only of the lines that they are about.
recent_by_customer as (
    select
        product_id,
        customer_id,
        count(*) as lines_91d,
        sum(quantity - coalesce(returned_quantity, 0)) filter (where ordered_at >= d28) as units_28d,
        sum(quantity - coalesce(returned_quantity, 0)) as units_91d,
        sum(quantity) as sold_91d,
        sum(net_amount) as net_sales_91d,
        sum(discount_amount) as discount_91d
    from lines
    cross join as_of
    where ordered_at >= d91
    group by product_id, customer_id
),

recent as (
    select
        product_id,
        count(customer_id) as customers_91d,
        sum(lines_91d) as lines_91d,
        sum(units_28d) as units_28d,
        sum(units_91d) as units_91d,
        sum(sold_91d) as sold_91d,
        sum(net_sales_91d) as net_sales_91d,
        sum(discount_91d) as discount_91d
    from recent_by_customer
    group by product_id
),

final as (
    select
        ever.product_id,
        recent.units_28d,
        recent.units_91d,
        recent.net_sales_91d,
        recent.customers_91d,
        ever.repeat_rate_365d,
        cast(recent.net_sales_91d as double) / nullif(cast(recent.sold_91d as double), 0) as avg_unit_price_91d,
        cast(recent.discount_91d as double) / nullif(cast(recent.net_sales_91d + recent.discount_91d as double), 0)
            as discount_share_91d,
        ever.first_sold_at,
        ever.last_sold_at,
        case
            when recent.product_id is not null then cast(
                row_number() over (
                    order by recent.lines_91d desc nulls last, recent.net_sales_91d desc, ever.product_id
                ) as integer
            )
        end as popularity_rank
    from ever
    left join recent on ever.product_id = recent.product_id
)

select * from final
