-- Grain: one row per store.
with source as (
    select * from {{ source('feeds', 'stores') }}
),

newest as ({{ latest_load('source', ['store_id']) }}),

final as (
    select
        store_id,
        coalesce(kind, 'store') as kind,
        name,
        region,
        latitude,
        longitude,
        timezone,
        _loaded_at,
        _simulated
    from newest
)

select * from final
