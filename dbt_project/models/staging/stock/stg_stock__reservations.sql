-- Grain: one row per store and product that reservations held when the build began.
with source as (
    select * from {{ source('stock', 'reservations') }}
),

final as (
    select store_id, product_id, reserved, taken_at from source
)

select * from final
