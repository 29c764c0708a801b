-- Grain: one row per offer.
with source as (
    select * from {{ source('feeds', 'offers') }}
),

newest as ({{ latest_load('source', ['offer_id']) }}),

final as (
    select
        offer_id,
        kind,
        name,
        starts_at,
        ends_at,
        discount_amount,
        discount_rate,
        case when channels is not null then list_transform(string_split(channels, ','), lambda channel: trim(channel)) end as channels,
        _loaded_at,
        _simulated
    from newest
)

select * from final
