{{
    config(
        materialized = 'incremental',
        incremental_strategy = 'delete+insert',
        unique_key = 'message_id',
        on_schema_change = 'fail',
        post_hook = "{{ forget_missing_files([source('archive', 'events'), source('feeds', 'events')]) }}"
    )
}}

-- Grain: one row per message, archived or loaded; of one sent again the first received counts.
with archived as (
    select *
    from ({{ due_rows(ref('stg_archive__events'), moment = 'received_at') }})
    where not duplicate
),

loaded as (
    {{ due_rows(ref('stg_feeds__events'), moment = 'occurred_at') }}
),

either as (
    select
        message_id, type, name, user_id, anonymous_id, partition_key, customer_id, channel, store_id, product_id, order_id,
        decision_id, occurred_at, received_at, received_day, properties, traits, context, source, gpc, lake_file, position
    from archived
    union all
    -- A loaded history counts as received when it happened.
    select
        message_id, type, name, user_id, anonymous_id, null, null, channel, store_id, product_id, order_id,
        decision_id, occurred_at, occurred_at, occurred_day, properties, traits, context, 'feed', false, lake_file, ''
    from loaded
),

first_received as (
    select *
    from either
    qualify row_number() over (partition by message_id order by received_at, position, lake_file) = 1
),

final as (
    select
        message_id,
        type,
        name,
        user_id,
        anonymous_id,
        partition_key,
        customer_id,
        channel,
        store_id,
        product_id,
        order_id,
        decision_id,
        occurred_at,
        {{ utc_day('occurred_at') }} as occurred_day,
        received_at,
        received_day,
        properties,
        traits,
        context,
        source,
        gpc,
        lake_file
    from first_received
    {%- if is_incremental() %}
    where not exists (
        select 1
        from {{ this }} as kept
        where kept.message_id = first_received.message_id and kept.received_at < first_received.received_at
    )
    {%- endif %}
)

select * from final
