-- Grain: one row per source and customer_ref.
with source as (
    select * from {{ source('identity', 'customer_link') }}
),

final as (
    select
        source,
        customer_ref,
        customer_id
    from source
)

select * from final
