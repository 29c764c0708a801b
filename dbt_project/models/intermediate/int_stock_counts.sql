{{ config(materialized = 'view', meta = {'dagster': {'group': 'inventory'}}) }}

-- Grain: one row per count of a store and product, loaded or posted.
with final as (
    select store_id, product_id, counted_at, quantity, basis, _loaded_at, _simulated
    from {{ ref('stg_feeds__inventory') }}
    union all
    select store_id, product_id, occurred_at, quantity, coalesce(basis, 'on_hand'), received_at, false
    from {{ ref('stg_archive__movements') }}
    where kind = 'count'
)

select * from final
