-- Grain: one row per order line that is credited to a decision; a line is credited to one decision at most.
{{ config(meta = {'dagster': {'group': 'measurement'}}) }}

-- Read once: few of the lines are younger than the first decision.
with lines as materialized (
    select source, order_id, line_id, decision_id, customer_id, product_id, ordered_at, net_amount, quantity, returned_quantity
    from {{ ref('order_line') }}
    where ordered_at >= (select min(decided_at) from {{ ref('stg_archive__decisions') }})
),

decisions as (
    select * from {{ ref('stg_archive__decisions') }}
),

shown as (
    select distinct decision_id, product_id from {{ ref('int_decision_actions') }}
    where product_id is not null
),

-- First: the decision that the sender names.
named as (
    select
        lines.source,
        lines.order_id,
        lines.line_id,
        decisions.decision_id,
        'decision_id' as matched_by
    from lines
    inner join decisions
        on
            lines.decision_id = decisions.decision_id
            and lines.ordered_at between decisions.decided_at and decisions.decided_at + {{ outcome_window() }}
),

-- Then: the last decision before it that showed the product to the customer.
last_shown as (
    select
        lines.source,
        lines.order_id,
        lines.line_id,
        decisions.decision_id,
        'customer_product' as matched_by
    from shown
    inner join decisions on shown.decision_id = decisions.decision_id
    inner join lines
        on
            decisions.customer_id = lines.customer_id
            and shown.product_id = lines.product_id
            and lines.ordered_at between decisions.decided_at and decisions.decided_at + {{ outcome_window() }}
    anti join named
        on lines.source = named.source and lines.order_id = named.order_id and lines.line_id = named.line_id
    qualify row_number() over (
        partition by lines.source, lines.order_id, lines.line_id
        order by decisions.decided_at desc, decisions.decision_id
    ) = 1
),

credited as (
    select * from named
    union all
    select * from last_shown
),

final as (
    select
        credited.decision_id,
        credited.matched_by,
        lines.source,
        lines.order_id,
        lines.line_id,
        lines.product_id,
        lines.ordered_at,
        -- What came back was not earned.
        lines.net_amount * (1 - coalesce(lines.returned_quantity / nullif(lines.quantity, 0), 0)) as value
    from credited
    inner join lines
        on credited.source = lines.source and credited.order_id = lines.order_id and credited.line_id = lines.line_id
)

select * from final
