{{ config(meta = {'dagster': {'group': 'inventory'}}) }}

-- Grain: one row per store and product that was sold there in 91 days.
with demand as (
    select * from {{ ref('demand_daily') }}
),

as_of as (
    select cast(as_of as date) as today from {{ ref('int_as_of') }}
),

sums as (
    select
        demand.store_id,
        demand.product_id,
        coalesce(sum(demand.units_sold) filter (where demand.day >= as_of.today - 28), 0) as units_28d,
        sum(demand.units_sold) as units_91d,
        sum(cast(demand.units_sold as double) ** 2) as squared_units_91d
    from demand
    cross join as_of
    where demand.day >= as_of.today - 91
    group by demand.store_id, demand.product_id
),

spread as (
    select
        *,
        -- Population variance over all 91 days; days without a row sold none.
        sqrt(greatest(0, squared_units_91d / 91 - (cast(units_91d as double) / 91) ** 2)) as sigma_daily_units
    from sums
),

final as (
    select
        store_id,
        product_id,
        cast(units_28d as double) / 28 as daily_velocity,
        sigma_daily_units,
        cast(
            round({{ var('safety_stock_z') }} * sigma_daily_units * sqrt({{ var('replenishment_lead_days') }})) as bigint
        ) as safety_stock
    from spread
)

select * from final
