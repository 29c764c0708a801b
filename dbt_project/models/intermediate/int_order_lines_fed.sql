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
    select * from {{ ref('stg_feeds__order_lines') }}
    {%- if is_incremental() %}
    where {{ is_new('ordered_day') }}
    {%- endif %}
),

zones as (
    select store_id, timezone
    from {{ ref('stg_feeds__stores') }}
    where timezone in (select name from pg_timezone_names())
),

latest as (
    select *
    from loaded
    qualify row_number() over (partition by source, order_id, line_id order by _loaded_at desc, _row desc) = 1
),

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
    {%- if is_incremental() %}
    where not exists (
        select 1
        from {{ this }} as kept
        where
            kept.source = latest.source
            and kept.order_id = latest.order_id
            and kept.line_id = latest.line_id
            and kept._loaded_at > latest._loaded_at
    )
    {%- endif %}
)

select * from final
