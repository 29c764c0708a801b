-- Grain: one row per offer and product.
with source as (
    select * from {{ source('feeds', 'offer_products') }}
),

newest as ({{ latest_load('source', ['offer_id', 'product_id']) }}),

final as (
    select
        offer_id,
        product_id,
        _loaded_at
    from newest
)

select * from final
