{{ config(materialized = 'table') }}

-- Large, and read by several models that move with every day: kept, until a file of it comes or goes.
-- Grain: one row per product.
with source as (
    select * from {{ source('feeds', 'products') }}
),

newest as ({{ latest_load('source', ['product_id']) }}),

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
