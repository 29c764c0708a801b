-- Grain: one row per offer, source and customer_ref.
with source as (
    select * from {{ source('feeds', 'offer_targets') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by offer_id, source, customer_ref
        order by _loaded_at desc, _row desc
    ) = 1
),

final as (
    select
        offer_id,
        source,
        customer_ref,
        _loaded_at
    from newest
)

select * from final
