{{ config(meta = {'dagster': {'group': 'profile'}}) }}


-- Grain: one row per customer and order.
with lines as (
    select * from {{ ref('order_line') }}
    where customer_id is not null
),

final as (
    select
        customer_id,
        source,
        order_id,
        min(ordered_at) as ordered_at,
        min(ordered_day) as ordered_day,
        min(channel) as channel,
        min(store_id) as store_id,
        min(local_hour) as local_hour,
        min(local_weekday) as local_weekday,
        sum(quantity) as units,
        sum(returned_quantity) as units_returned,
        sum(net_amount) as net_amount,
        sum(discount_amount) as discount_amount
    from lines
    group by customer_id, source, order_id
)

select * from final
