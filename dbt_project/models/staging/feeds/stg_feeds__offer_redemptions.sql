-- Grain: one row per offer, source, customer_ref and time.
with source as (
    select * from {{ source('feeds', 'offer_redemptions') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by offer_id, source, customer_ref, redeemed_at
        order by _loaded_at desc, _row desc
    ) = 1
),

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
