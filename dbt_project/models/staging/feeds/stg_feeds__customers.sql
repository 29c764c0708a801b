-- Grain: one row per source and customer_ref.
with source as (
    select * from {{ source('feeds', 'customers') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by source, customer_ref
        order by _loaded_at desc, _row desc
    ) = 1
),

final as (
    select
        source,
        customer_ref,
        user_id,
        email,
        phone,
        loyalty_id,
        birth_date,
        try_cast(attributes as json) as attributes,
        _loaded_at,
        _simulated
    from newest
)

select * from final
