-- Grain: one row per source, customer_ref, purpose, channel and time.
with source as (
    select * from {{ source('feeds', 'consents') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by source, customer_ref, purpose, channel, "at"
        order by _loaded_at desc, _row desc
    ) = 1
),

final as (
    select
        source,
        customer_ref,
        purpose,
        channel,
        status,
        "at" as given_at,
        _loaded_at
    from newest
)

select * from final
