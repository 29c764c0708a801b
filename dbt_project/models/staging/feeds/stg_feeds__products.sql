-- Grain: one row per product.
with source as (
    select * from {{ source('feeds', 'products') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by product_id
        order by _loaded_at desc, _row desc
    ) = 1
),

final as (
    select
        product_id,
        name,
        department,
        category,
        brand,
        list_price,
        unit_cost,
        _loaded_at,
        _simulated
    from newest
)

select * from final
