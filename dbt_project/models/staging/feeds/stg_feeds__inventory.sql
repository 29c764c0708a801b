-- Grain: one row per store, product and time of count.
with source as (
    select * from {{ source('feeds', 'inventory') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by store_id, product_id, counted_at
        order by _loaded_at desc, _row desc
    ) = 1
),

final as (
    select
        store_id,
        product_id,
        counted_at,
        quantity,
        coalesce(basis, 'on_hand') as basis,
        _loaded_at,
        _simulated
    from newest
)

select * from final
