{{ config(meta = {'dagster': {'group': 'profile'}}) }}

-- Grain: one row per customer with an order line.
-- Whoever sums up lines by customer makes anew only those whose fingerprint is another: of new, corrected and removed
-- lines, of merged customers, and of lines that fell out of the year before as_of.
with final as (
    select
        lines.customer_id,
        {{ fingerprint(['lines.local_hour', 'lines.ordered_at >= as_of.as_of - interval 365 day']) }} as fingerprint
    from {{ ref('order_line') }} as lines
    cross join {{ ref('int_as_of') }} as as_of
    where lines.customer_id is not null
    group by lines.customer_id
)

select * from final
