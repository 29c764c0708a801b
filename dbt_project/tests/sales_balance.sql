{{ config(meta = {'dagster': {'ref': {'name': 'demand_daily'}}}) }}
-- Every line sold at a store is in demand_daily once: units, amounts and counts agree for each day.
with lines as (
    select ordered_day as day, count(*) as order_lines, sum(quantity) as units, sum(net_amount) as net_sales
    from {{ ref('int_sales') }}
    group by ordered_day
),

demand as (
    select day, sum(order_lines) as order_lines, sum(units_sold) as units, sum(net_sales) as net_sales
    from {{ ref('demand_daily') }}
    group by day
)

select *
from lines
full join demand using (day)
where
    (lines.order_lines, lines.units, lines.net_sales)
    is distinct from (demand.order_lines, demand.units, demand.net_sales)
