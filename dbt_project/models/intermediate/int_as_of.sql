-- Grain: exactly one row: the moment that every mart of this build speaks for.
-- The end of the newest day that anything is known of, so that two builds over the same lake are equal; while events
-- of today are coming in, now.
with moments as (
    select max(ordered_at) as known_at from {{ ref('int_order_lines_fed') }}
    union all
    select max(received_at) as known_at from {{ ref('int_events') }}
    union all
    select max(decided_at) as known_at from {{ ref('stg_archive__decisions') }}
),

final as (
    select
        coalesce(
            least(cast(now() as timestamptz), date_trunc('day', max(known_at)) + interval 1 day),
            cast(now() as timestamptz)
        ) as as_of
    from moments
)

select * from final
