{{ config(materialized = 'view') }}

-- Grain: one row per source, order and line.
-- A view, because whose an order is changes when customers merge, long after the line was taken in.
with fed as not materialized (
    select * from {{ ref('int_order_lines_fed') }}
),

live as (
    select * from {{ ref('int_order_lines_live') }}
),

links as (
    select * from {{ ref('stg_identity__customer_link') }}
),

identifiers as (
    select * from {{ ref('stg_identity__identifier_link') }}
),

fed_lines as (
    select
        fed.order_id,
        fed.line_id,
        fed.source,
        links.customer_id,
        fed.product_id,
        fed.store_id,
        fed.channel,
        fed.ordered_at,
        fed.ordered_day,
        cast(extract('hour' from fed.ordered_local) as integer) as local_hour,
        cast(extract('isodow' from fed.ordered_local) as integer) as local_weekday,
        fed.quantity,
        fed.net_amount,
        fed.discount_amount,
        fed.returned_quantity,
        fed.offer_id,
        cast(null as varchar) as decision_id,
        fed.ordered_at as fulfilled_at,
        false as is_live,
        fed._simulated as is_simulated,
        fed._loaded_at as loaded_at
    from fed
    left join links on fed.source = links.source and fed.customer_ref = links.customer_ref
),

live_lines as (
    select
        live.order_id,
        live.line_id,
        live.source,
        coalesce(users.customer_id, anonymous.customer_id, live.customer_id) as customer_id,
        live.product_id,
        live.store_id,
        live.channel,
        live.ordered_at,
        live.ordered_day,
        cast(extract('hour' from live.ordered_local) as integer) as local_hour,
        cast(extract('isodow' from live.ordered_local) as integer) as local_weekday,
        live.quantity,
        live.net_amount,
        live.discount_amount,
        cast(live.returned_quantity as decimal(14, 3)) as returned_quantity,
        live.offer_id,
        live.decision_id,
        live.fulfilled_at,
        true as is_live,
        live._simulated as is_simulated,
        live._loaded_at as loaded_at
    from live
    anti join fed on live.order_id = fed.order_id
    left join identifiers as users
        on users.identifier_type = 'user_id' and live.user_id = users.identifier_value
    left join identifiers as anonymous
        on anonymous.identifier_type = 'anonymous_id' and live.anonymous_id = anonymous.identifier_value
),

final as (
    select * from fed_lines
    union all
    select * from live_lines
)

select * from final
