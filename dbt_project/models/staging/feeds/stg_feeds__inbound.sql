-- Grain: one row per store, product and time expected.
with source as (
    select * from {{ source('feeds', 'inbound') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by store_id, product_id, expected_at
        order by _loaded_at desc, _row desc
    ) = 1
),

final as (
    select
        store_id,
        product_id,
        expected_at,
        quantity,
        _loaded_at,
        _simulated
    from newest
)

select * from final
