{{ config(meta = {'dagster': {'group': 'profile'}}) }}


-- Grain: one row per customer with an order in the 365 days before as_of. Ties go to the smaller value, so that
-- two builds agree.
with orders as (
    select orders.*
    from {{ ref('int_customer_orders') }} as orders
    cross join {{ ref('int_as_of') }} as as_of
    where orders.ordered_at >= as_of.as_of - interval 365 day
),

totals as (
    select
        customer_id,
        count(*) as orders,
        count(store_id) as orders_with_store,
        avg(case when channel = 'store' then 0.0 else 1.0 end) as online_share
    from orders
    group by customer_id
),

channels as ({{ favourite('channel') }}),

stores as ({{ favourite('store_id') }}),

hours as ({{ favourite('local_hour') }}),

weekdays as ({{ favourite('local_weekday') }}),

final as (
    select
        totals.customer_id,
        channels.favourite as preferred_channel,
        totals.online_share,
        stores.favourite as favourite_store_id,
        stores.times / totals.orders_with_store as favourite_store_share,
        hours.favourite as preferred_hour,
        weekdays.favourite as preferred_weekday
    from totals
    left join channels on totals.customer_id = channels.customer_id
    left join stores on totals.customer_id = stores.customer_id
    left join hours on totals.customer_id = hours.customer_id
    left join weekdays on totals.customer_id = weekdays.customer_id
)

select * from final
