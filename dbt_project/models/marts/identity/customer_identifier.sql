-- Grain: one row per identifier.
with identifiers as (
    select * from {{ ref('stg_identity__identifier_link') }}
),

customers as (
    select * from {{ ref('stg_feeds__customers') }}
),

links as (
    select * from {{ ref('stg_identity__customer_link') }}
),

events as (
    select * from {{ ref('int_events') }}
),

in_events as (
    select 'user_id' as identifier_type, user_id as identifier_value, min(occurred_at) as seen_at
    from events
    where user_id is not null
    group by user_id
    union all
    select 'anonymous_id', anonymous_id, min(occurred_at)
    from events
    where anonymous_id is not null
    group by anonymous_id
),

in_feeds as (
    select links.customer_id, min(customers._loaded_at) as loaded_at
    from customers
    inner join links on customers.source = links.source and customers.customer_ref = links.customer_ref
    group by links.customer_id
),

final as (
    select
        identifiers.customer_id,
        identifiers.identifier_type,
        identifiers.identifier_value,
        identifiers.source,
        least(in_events.seen_at, in_feeds.loaded_at) as first_seen_at
    from identifiers
    left join in_events
        on
            identifiers.identifier_type = in_events.identifier_type
            and identifiers.identifier_value = in_events.identifier_value
    left join in_feeds on identifiers.customer_id = in_feeds.customer_id
)

select * from final
