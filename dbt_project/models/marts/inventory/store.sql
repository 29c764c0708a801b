-- Grain: one row per store.
with stores as (
    select * from {{ ref('stg_feeds__stores') }}
),

mentioned as (
    select store_id from {{ ref('int_order_lines_fed') }}
    union
    select store_id from {{ ref('int_order_lines_live') }}
    union
    select store_id from {{ ref('int_stock_counts') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

unknown as (
    select mentioned.store_id
    from mentioned
    anti join stores on mentioned.store_id = stores.store_id
    where mentioned.store_id is not null
),

final as (
    select store_id, kind, name, region, latitude, longitude, timezone, true as is_known, _simulated as is_simulated, as_of
    from stores
    cross join as_of
    union all
    select store_id, null, null, null, null, null, null, false, false, as_of
    from unknown
    cross join as_of
)

select * from final
