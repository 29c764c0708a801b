-- Grain: one row per source, customer_ref, purpose, channel and time.
with source as (
    select * from {{ source('feeds', 'consents') }}
),

newest as ({{ latest_load('source', ['source', 'customer_ref', 'purpose', 'channel', '"at"']) }}),

final as (
    select
        source,
        customer_ref,
        purpose,
        channel,
        status,
        "at" as given_at,
        _loaded_at
    from newest
)

select * from final
