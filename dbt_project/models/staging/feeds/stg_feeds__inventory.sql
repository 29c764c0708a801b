{{ config(materialized = 'table') }}

-- Large, and read by several models that move with every day: kept, until a file of it comes or goes.
-- Grain: one row per store, product and time of count.
with source as (
    select * from {{ source('feeds', 'inventory') }}
),

newest as ({{ latest_load('source', ['store_id', 'product_id', 'counted_at']) }}),

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
