{{ config(materialized = 'view') }}

-- Grain: one row per order line that was sold at a store; the lines without their customers.
with fed as not materialized (
    select * from {{ ref('int_order_lines_fed') }}
),

live as (
    select * from {{ ref('int_order_lines_live') }}
),

final as (
    select
        order_id, store_id, product_id, channel, ordered_at, ordered_day, quantity, returned_quantity, net_amount,
        discount_amount, ordered_at as fulfilled_at, _loaded_at as loaded_at
    from fed
    where store_id is not null
    union all
    select
        order_id, store_id, product_id, channel, ordered_at, ordered_day, quantity,
        cast(returned_quantity as decimal(14, 3)), net_amount, discount_amount, fulfilled_at, _loaded_at
    from live
    anti join fed on live.order_id = fed.order_id
    where store_id is not null
)

select * from final
