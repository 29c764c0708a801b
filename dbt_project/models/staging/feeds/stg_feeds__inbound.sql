-- Grain: one row per store, product and time expected.
with source as (
    select * from {{ source('feeds', 'inbound') }}
),

newest as ({{ latest_load('source', ['store_id', 'product_id', 'expected_at']) }}),

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
