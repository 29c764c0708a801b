-- Grain: one row per identifier; where several sources name it, the first in alphabetical order is kept as its source.
with source as (
    select * from {{ source('identity', 'identifier_link') }}
),

once as (
    select *
    from source
    qualify row_number() over (partition by identifier_type, identifier_value order by source, customer_id) = 1
),

final as (
    select
        identifier_type,
        identifier_value,
        customer_id,
        source
    from once
)

select * from final
