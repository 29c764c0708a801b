-- Grain: one row per order and line of `Order Completed` events; of an order sent again the first received counts.
-- Rebuilt whole: refunds and cancellations change lines long after they were placed.
with events as (
    select * from {{ ref('int_events') }}
    where order_id is not null
),

zones as (
    select store_id, timezone
    from {{ ref('stg_feeds__stores') }}
    where timezone in (select name from pg_timezone_names())
),

orders as (
    select *
    from events
    where name = 'Order Completed'
    qualify row_number() over (partition by order_id order by received_at, message_id) = 1
),

cancelled as (
    select distinct order_id
    from events
    where name = 'Order Cancelled'
),

fulfilled as (
    select order_id, min(occurred_at) as fulfilled_at, min(received_at) as received_at
    from events
    where name in ('Order Shipped', 'Order Picked Up')
    group by order_id
),

refunds as (
    select distinct on (order_id) order_id, properties, received_at
    from events
    where name = 'Order Refunded'
    order by order_id, received_at desc
),

refunded_products as (
    select
        refunds.order_id,
        line.product_id,
        sum(line.quantity) as quantity
    from refunds
    cross join lateral (select unnest({{ event_lines('refunds.properties') }}) as line)
    group by all
),

lines as (
    select
        orders.*,
        unnest({{ event_lines('orders.properties') }}) as line
    from orders
    anti join cancelled on orders.order_id = cancelled.order_id
),

final as (
    select
        lines.source,
        lines.order_id,
        line.line_id,
        lines.occurred_at as ordered_at,
        lines.occurred_day as ordered_day,
        timezone(coalesce(zones.timezone, 'UTC'), lines.occurred_at) as ordered_local,
        lines.channel,
        lines.store_id,
        lines.user_id,
        lines.anonymous_id,
        lines.customer_id,
        lines.decision_id,
        line.product_id,
        line.quantity,
        line.net_amount,
        line.discount_amount,
        line.offer_id,
        case
            when refunds.order_id is null then null
            when refunded_products.quantity is not null then least(line.quantity, refunded_products.quantity)
            when json_array_length(refunds.properties, '$.products') > 0 then 0
            else line.quantity
        end as returned_quantity,
        -- Over the counter goods leave with the shopper; elsewhere they are promised until they are shipped or picked up.
        case when lines.channel = 'store' then lines.occurred_at else fulfilled.fulfilled_at end as fulfilled_at,
        coalesce(lines.context ->> '$.simulated', 'false') = 'true' as _simulated,
        greatest(lines.received_at, refunds.received_at, fulfilled.received_at) as _loaded_at
    from lines
    left join zones on lines.store_id = zones.store_id
    left join fulfilled on lines.order_id = fulfilled.order_id
    left join refunds on lines.order_id = refunds.order_id
    left join refunded_products
        on lines.order_id = refunded_products.order_id and line.product_id = refunded_products.product_id
)

select * from final
