{{
    config(
        materialized = 'incremental',
        incremental_strategy = 'delete+insert',
        unique_key = 'day',
        on_schema_change = 'fail'
    )
}}

-- Grain: one row per store, product and day with a sale.
-- Days are taken anew as a whole: the one asked for, and every day whose lines or promotions are not those that its
-- rows were made from. So late, corrected and removed lines all find their day.
with lines as not materialized (
    select * from {{ ref('int_sales') }}
),

promotions as not materialized (
    select * from {{ ref('int_promotions') }}
),

promoted_weeks as (
    select week_start, max(_loaded_at) as promotions_loaded_at
    from promotions
    group by week_start
),

line_days as (
    select ordered_day as day, count(*) as order_lines, max(loaded_at) as loaded_at
    from lines
    group by ordered_day
),

days as (
    select line_days.day, line_days.order_lines, line_days.loaded_at, weeks.week_start, weeks.promotions_loaded_at
    from line_days
    left join promoted_weeks as weeks
        on line_days.day >= weeks.week_start and line_days.day < weeks.week_start + 7
),

{% if is_incremental() -%}
built as (
    select
        day,
        sum(order_lines) as order_lines,
        max(loaded_at) as loaded_at,
        max(promotions_loaded_at) as promotions_loaded_at
    from {{ this }}
    group by day
),

{% endif -%}
stale as (
    select days.day, days.week_start, days.promotions_loaded_at
    from days
    {%- if is_incremental() %}
    left join built on days.day = built.day
    where
        {%- if build_day() %}
        days.day = date '{{ build_day() }}' or
        {%- endif %}
        (built.order_lines, built.loaded_at, built.promotions_loaded_at)
        is distinct from (days.order_lines, days.loaded_at, days.promotions_loaded_at)
    {%- endif %}
),

sold as (
    select
        lines.store_id,
        lines.product_id,
        lines.ordered_day as day,
        sum(lines.quantity) as units_sold,
        sum(coalesce(lines.returned_quantity, 0)) as units_returned,
        count(distinct lines.order_id) as orders,
        count(*) as order_lines,
        sum(lines.net_amount) as net_sales,
        sum(lines.discount_amount) as discount_amount,
        any_value(stale.week_start) as week_start,
        any_value(stale.promotions_loaded_at) as promotions_loaded_at,
        max(lines.loaded_at) as loaded_at
    from lines
    inner join stale on lines.ordered_day = stale.day
    group by lines.store_id, lines.product_id, lines.ordered_day
),

reporting as (
    select distinct store_id, week_start
    from promotions
    where week_start in (select week_start from stale)
),

-- Found from the side of what was sold: the table of promotions is many times larger.
promoted as (
    select product_id, store_id, week_start, display, mailer
    from promotions
    semi join sold
        on
            promotions.product_id = sold.product_id
            and promotions.store_id = sold.store_id
            and promotions.week_start = sold.week_start
),

final as (
    select
        sold.store_id,
        sold.product_id,
        sold.day,
        sold.units_sold,
        sold.units_returned,
        sold.orders,
        sold.order_lines,
        sold.net_sales,
        sold.discount_amount,
        -- A store that reports promotions and does not name the product did not promote it; of others it is not known.
        case when reporting.store_id is not null then coalesce(promoted.display <> 'none', false) end as on_display,
        case when reporting.store_id is not null then coalesce(promoted.mailer <> 'none', false) end as in_mailer,
        sold.promotions_loaded_at,
        sold.loaded_at
    from sold
    left join promoted
        on
            sold.product_id = promoted.product_id
            and sold.store_id = promoted.store_id
            and sold.week_start = promoted.week_start
    left join reporting on sold.store_id = reporting.store_id and sold.week_start = reporting.week_start
)

select * from final
