{{ config(materialized = 'view', meta = {'dagster': {'group': 'inventory'}}) }}

-- Grain: one row per order line that is younger than the oldest count.
with sales as (
    select * from {{ ref('int_sales') }}
),

counts as (
    select min(counted_at) as oldest_at from {{ ref('stg_feeds__inventory') }}
),

final as (
    select
        sales.store_id,
        sales.product_id,
        -- Goods that left, less those that came back, change the stock; those that are only promised do not yet.
        case
            when sales.fulfilled_at is not null then coalesce(sales.returned_quantity, 0) - sales.quantity else 0
        end as on_hand_change,
        case
            when sales.fulfilled_at is null then sales.quantity - coalesce(sales.returned_quantity, 0) else 0
        end as committed,
        coalesce(sales.fulfilled_at, sales.ordered_at) as moved_at
    from sales
    cross join counts
    where coalesce(sales.fulfilled_at, sales.ordered_at) > counts.oldest_at
)

select * from final
