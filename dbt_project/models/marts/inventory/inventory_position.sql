-- Grain: one row per store and product ever counted.
-- On hand is the newest count and the movements after it, in whatever order they arrived.
with counts as (
    select *
    from {{ ref('int_stock_counts') }}
    qualify row_number() over (partition by store_id, product_id order by counted_at desc, _loaded_at desc) = 1
),

movements as (
    select * from {{ ref('int_stock_movements') }}
),

reservations as (
    select * from {{ ref('stg_stock__reservations') }}
),

demand as (
    select * from {{ ref('int_demand_rate') }}
),

-- Of stores whose sales are known it is known, too, what they do not sell.
selling as (
    select distinct store_id from demand
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

moved as (
    select
        counts.store_id,
        counts.product_id,
        sum(movements.on_hand_change) as on_hand_change,
        sum(movements.committed) as committed,
        max(movements.moved_at) filter (where movements.on_hand_change <> 0) as moved_at,
        list(distinct movements.settled_order_id) filter (
            where movements.settled_order_id is not null
            and movements.moved_at > as_of.as_of - interval {{ var('settled_days') }} day
        ) as settled_orders
    from counts
    cross join as_of
    inner join movements
        on
            counts.store_id = movements.store_id
            and counts.product_id = movements.product_id
            and counts.counted_at < movements.moved_at
    group by counts.store_id, counts.product_id
),

inbound as (
    select
        inbound.store_id,
        inbound.product_id,
        sum(inbound.quantity) as inbound_quantity,
        min(inbound.expected_at) as next_inbound_at
    from {{ ref('stg_feeds__inbound') }} as inbound
    cross join as_of
    where inbound.expected_at > as_of.as_of
    group by inbound.store_id, inbound.product_id
),

balanced as (
    select
        counts.*,
        cast(floor(counts.quantity + coalesce(moved.on_hand_change, 0)) as bigint) as on_hand,
        cast(ceil(coalesce(moved.committed, 0)) as bigint) as committed,
        -- A salable count already leaves out what the counting system keeps back.
        case when counts.basis = 'salable' then 0 else coalesce(demand.safety_stock, 0) end as safety_stock,
        coalesce(demand.daily_velocity, case when selling.store_id is not null then 0 end) as daily_velocity,
        inbound.inbound_quantity,
        inbound.next_inbound_at,
        moved.moved_at,
        moved.settled_orders,
        coalesce(reservations.reserved, 0) as reserved
    from counts
    left join moved on counts.store_id = moved.store_id and counts.product_id = moved.product_id
    left join demand on counts.store_id = demand.store_id and counts.product_id = demand.product_id
    left join selling on counts.store_id = selling.store_id
    left join inbound on counts.store_id = inbound.store_id and counts.product_id = inbound.product_id
    left join reservations
        on counts.store_id = reservations.store_id and counts.product_id = reservations.product_id
),

final as (
    select
        store_id,
        product_id,
        on_hand,
        cast(reserved as bigint) as reserved,
        committed,
        cast(safety_stock as bigint) as safety_stock,
        greatest(0, on_hand - cast(reserved as bigint) - committed - cast(safety_stock as bigint)) as available,
        daily_velocity,
        greatest(0, on_hand - committed) / nullif(daily_velocity, 0) as days_of_cover,
        cast(inbound_quantity as bigint) as inbound_quantity,
        next_inbound_at,
        counted_at,
        moved_at,
        settled_orders,
        basis,
        coalesce(_simulated, false) as is_simulated,
        as_of.as_of
    from balanced
    cross join as_of
)

select * from final
