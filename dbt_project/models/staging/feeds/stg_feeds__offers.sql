-- Grain: one row per offer.
with source as (
    select * from {{ source('feeds', 'offers') }}
),

newest as (
    select *
    from source
    qualify row_number() over (
        partition by offer_id
        order by _loaded_at desc, _row desc
    ) = 1
),

final as (
    select
        offer_id,
        kind,
        name,
        starts_at,
        ends_at,
        discount_amount,
        discount_rate,
        case when channels is not null then list_transform(string_split(channels, ','), lambda channel: trim(channel)) end as channels,
        _loaded_at,
        _simulated
    from newest
)

select * from final
