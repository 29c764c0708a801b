-- Grain: one row per offer, source, customer_ref and time.
with source as (
    select * from {{ source('feeds', 'offer_redemptions') }}
),

newest as ({{ latest_load('source', ['offer_id', 'source', 'customer_ref', 'redeemed_at']) }}),

final as (
    select
        offer_id,
        source,
        customer_ref,
        redeemed_at,
        _loaded_at
    from newest
)

select * from final
