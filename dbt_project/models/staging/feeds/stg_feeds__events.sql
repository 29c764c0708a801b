-- Grain: one row per row of a loaded file (int_events counts each message once).
with source as (
    select *, cast(raw as json) as envelope
    from {{ source('feeds', 'events') }}
),

final as (
    select
        message_id,
        type,
        coalesce(envelope ->> '$.event', envelope ->> '$.name', '') as name,
        user_id,
        anonymous_id,
        coalesce(envelope ->> '$.context.channel', 'web') as channel,
        coalesce(envelope ->> '$.context.storeId', envelope ->> '$.properties.storeId') as store_id,
        coalesce(envelope ->> '$.properties.productId', envelope ->> '$.properties.product_id') as product_id,
        coalesce(envelope ->> '$.properties.orderId', envelope ->> '$.properties.order_id') as order_id,
        coalesce(envelope ->> '$.properties.decisionId', envelope ->> '$.context.decisionId') as decision_id,
        occurred_at,
        {{ utc_day('occurred_at') }} as occurred_day,
        json_extract(envelope, '$.properties') as properties,
        json_extract(envelope, '$.traits') as traits,
        json_extract(envelope, '$.context') as context,
        _loaded_at,
        {{ in_lake('lake_file') }} as lake_file
    from source
)

select * from final
