{{ config(materialized = 'view', meta = {'dagster': {'group': 'inventory'}}) }}

-- Grain: one row per order, store and product, or per posted movement and store it touches, younger than the oldest count.
-- An order whose goods a posted movement names counts by that movement, once.
with counts as (
    select min(counted_at) as oldest_at from {{ ref('int_stock_counts') }}
),

sales as (
    select
        order_id,
        store_id,
        product_id,
        fulfilled_at,
        min(ordered_at) as ordered_at,
        sum(quantity) as quantity,
        sum(coalesce(returned_quantity, 0)) as returned
    from {{ ref('int_sales') }}
    cross join counts
    where coalesce(fulfilled_at, ordered_at) > counts.oldest_at
    group by order_id, store_id, product_id, fulfilled_at
),

posted as (
    select * from {{ ref('stg_archive__movements') }}
    where kind <> 'count'
),

named as (
    select
        order_id,
        store_id,
        product_id,
        coalesce(sum(quantity) filter (where kind = 'sale'), 0) as sold,
        coalesce(sum(quantity) filter (where kind = 'return'), 0) as returned
    from posted
    where order_id is not null
    group by order_id, store_id, product_id
),

ordered as (
    select
        sales.store_id,
        sales.product_id,
        -- Goods that left, less those that came back, change the stock; those that are only promised do not yet.
        case
            when sales.fulfilled_at is null then 0
            else
                case when coalesce(named.returned, 0) > 0 then 0 else sales.returned end
                - case when coalesce(named.sold, 0) > 0 then 0 else sales.quantity end
        end as on_hand_change,
        case
            when sales.fulfilled_at is null
                then greatest(0, sales.quantity - sales.returned - coalesce(named.sold, 0))
            else 0
        end as committed,
        case when sales.fulfilled_at is not null then sales.order_id end as settled_order_id,
        coalesce(sales.fulfilled_at, sales.ordered_at) as moved_at
    from sales
    left join named
        on
            sales.order_id = named.order_id
            and sales.store_id = named.store_id
            and sales.product_id = named.product_id
),

moved as (
    select
        store_id,
        product_id,
        case when kind in ('sale', 'transfer') then -quantity else quantity end as on_hand_change,
        occurred_at as moved_at
    from posted
    union all
    select to_store_id, product_id, quantity, occurred_at
    from posted
    where kind = 'transfer'
),

final as (
    select store_id, product_id, on_hand_change, committed, settled_order_id, moved_at from ordered
    union all
    select store_id, product_id, on_hand_change, 0, null, moved_at
    from moved
    cross join counts
    where moved_at > counts.oldest_at
)

select * from final
