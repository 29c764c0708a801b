{{
    config(
        materialized = 'incremental',
        incremental_strategy = 'append',
        on_schema_change = 'fail',
        pre_hook = "{{ forget_stale(ref('int_customer_lines'), 'customer_id') }}",
        meta = {'dagster': {'group': 'profile'}}
    )
}}

-- Grain: one row per customer and order.
with stale as ({{ stale(ref('int_customer_lines'), 'customer_id') }}),

lines as (
    select lines.*, stale.fingerprint
    from {{ ref('order_line') }} as lines
    inner join stale on lines.customer_id = stale.customer_id
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
        sum(discount_amount) as discount_amount,
        any_value(fingerprint) as fingerprint
    from lines
    group by customer_id, source, order_id
)

select * from final
