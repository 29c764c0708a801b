{{ config(materialized = 'table') }}

-- Large, and read by several models that move with every day: kept, until a file of it comes or goes.
-- Grain: one row per offer, source and customer_ref.
with source as (
    select * from {{ source('feeds', 'offer_targets') }}
),

newest as ({{ latest_load('source', ['offer_id', 'source', 'customer_ref']) }}),

final as (
    select
        offer_id,
        source,
        customer_ref,
        _loaded_at
    from newest
)

select * from final
