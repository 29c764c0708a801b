-- Grain: one row per source and customer_ref.
with source as (
    select * from {{ source('feeds', 'customers') }}
),

newest as ({{ latest_load('source', ['source', 'customer_ref']) }}),

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
