-- Grain: one row per channel and day.
with events as (
    select
        channel,
        occurred_day as day,
        count(*) as events,
        count(distinct coalesce(partition_key, user_id, anonymous_id)) as visitors,
        count(*) filter (where name = 'Product Viewed') as product_views,
        count(*) filter (where name = 'Product Added') as product_adds
    from {{ ref('int_events') }}
    group by channel, occurred_day
),

orders as (
    select
        channel,
        ordered_day as day,
        count(distinct (source, order_id)) as orders,
        sum(net_amount) as net_sales
    from {{ ref('order_line') }}
    group by channel, ordered_day
),

decisions as (
    select
        channel,
        {{ utc_day('decided_at') }} as day,
        count(*) as decisions,
        count(*) filter (where fallback) as fallback_decisions,
        -- Who added or bought has looked, whether or not the look was reported.
        count(*) filter (where coalesce(viewed_at, added_at, rewarded_at) is not null) as viewed_decisions,
        count(*) filter (where coalesce(added_at, rewarded_at) is not null) as added_decisions,
        count(*) filter (where outcome = 'rewarded') as rewarded_decisions,
        sum(reward_value) as reward_value
    from {{ ref('decision_outcome') }}
    group by channel, {{ utc_day('decided_at') }}
),

activations as (
    select
        channel,
        {{ utc_day('finished_at') }} as day,
        count(*) filter (where status = 'delivered') as delivered,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'dropped') as dropped
    from {{ ref('stg_archive__activations') }}
    where finished_at is not null
    group by channel, {{ utc_day('finished_at') }}
),

spine as (
    select channel, day from events
    union
    select channel, day from orders
    union
    select channel, day from decisions
    union
    select channel, day from activations
),

final as (
    select
        spine.channel,
        spine.day,
        coalesce(events.events, 0) as events,
        coalesce(events.visitors, 0) as visitors,
        coalesce(events.product_views, 0) as product_views,
        coalesce(events.product_adds, 0) as product_adds,
        coalesce(orders.orders, 0) as orders,
        coalesce(orders.net_sales, 0) as net_sales,
        coalesce(decisions.decisions, 0) as decisions,
        coalesce(decisions.fallback_decisions, 0) as fallback_decisions,
        coalesce(decisions.viewed_decisions, 0) as viewed_decisions,
        coalesce(decisions.added_decisions, 0) as added_decisions,
        coalesce(decisions.rewarded_decisions, 0) as rewarded_decisions,
        coalesce(decisions.reward_value, 0) as reward_value,
        coalesce(activations.delivered, 0) as activations_delivered,
        coalesce(activations.failed, 0) as activations_failed,
        coalesce(activations.dropped, 0) as activations_dropped,
        as_of.as_of
    from spine
    left join events on spine.channel = events.channel and spine.day = events.day
    left join orders on spine.channel = orders.channel and spine.day = orders.day
    left join decisions on spine.channel = decisions.channel and spine.day = decisions.day
    left join activations on spine.channel = activations.channel and spine.day = activations.day
    cross join {{ ref('int_as_of') }} as as_of
)

select * from final
