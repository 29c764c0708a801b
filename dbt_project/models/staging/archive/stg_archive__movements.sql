-- Grain: one row per movement, however often it was sent; the first received counts.
with source as (
    select * from {{ source('archive', 'movements') }}
),

first_received as (
    select *
    from source
    qualify row_number() over (partition by movement_id order by received_at) = 1
),

final as (
    select
        movement_id,
        store_id,
        product_id,
        kind,
        quantity,
        occurred_at,
        to_store_id,
        order_id,
        reservation_id,
        basis,
        received_at
    from first_received
)

select * from final
