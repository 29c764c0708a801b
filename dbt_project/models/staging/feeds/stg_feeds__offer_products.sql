-- Grain: one row per offer and product.
with source as (
    select * from {{ source('feeds', 'offer_products') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by offer_id, product_id
        order by _loaded_at desc, _row desc
    ) = 1
),

final as (
    select
        offer_id,
        product_id,
        _loaded_at
    from newest
)

select * from final
