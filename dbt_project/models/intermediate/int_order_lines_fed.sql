{{
    config(
        materialized = 'incremental',
        incremental_strategy = 'delete+insert',
        unique_key = ['source', 'order_id', 'line_id'],
        on_schema_change = 'fail',
        post_hook = "{{ forget_missing_files([source('feeds', 'order_lines')]) }}"
    )
}}

-- Grain: one row per source, order and line; of several loads of a line the latest stands.
with loaded as (
    {{ due_rows(ref('stg_feeds__order_lines'), moment = 'ordered_at') }}
),

zones as (
    select store_id, timezone
    from {{ ref('stg_feeds__stores') }}
    where timezone in (select name from pg_timezone_names())
),

latest as ({{ latest_load('loaded', ['source', 'order_id', 'line_id']) }}),

final as (
    select
        latest.source,
        latest.order_id,
        latest.line_id,
        latest.ordered_at,
        latest.ordered_day,
        timezone(coalesce(zones.timezone, 'UTC'), latest.ordered_at) as ordered_local,
        latest.channel,
        latest.store_id,
        latest.customer_ref,
        latest.product_id,
        latest.quantity,
        latest.net_amount,
        latest.discount_amount,
        latest.offer_id,
        latest.returned_quantity,
        latest._loaded_at,
        latest._simulated,
        latest.lake_file
    from latest
    left join zones on latest.store_id = zones.store_id
    where {{ no_later_load_is_kept('latest', ['source', 'order_id', 'line_id']) }}
)

select * from final
