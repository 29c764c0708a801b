-- Grain: one row per archived log entry; a message sent twice recurs (int_events counts it once).
with source as (
    select * from {{ source('archive', 'events') }}
),

final as (
    select
        partition,
        position,
        message_id,
        type,
        name,
        user_id,
        anonymous_id,
        partition_key,
        customer_id,
        coalesce(duplicate, false) as duplicate,
        coalesce(channel, 'web') as channel,
        store_id,
        product_id,
        order_id,
        decision_id,
        occurred_at,
        received_at,
        {{ utc_day('received_at') }} as received_day,
        try_cast(properties as json) as properties,
        try_cast(traits as json) as traits,
        try_cast(context as json) as context,
        source,
        coalesce(gpc, false) as gpc,
        {{ in_lake('lake_file') }} as lake_file
    from source
)

select * from final
