-- Grain: one row per store.
with source as (
    select * from {{ source('feeds', 'stores') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by store_id
        order by _loaded_at desc, _row desc
    ) = 1
),

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
