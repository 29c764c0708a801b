{{
    config(
        materialized = 'incremental',
        incremental_strategy = 'delete+insert',
        unique_key = 'decision_id',
        on_schema_change = 'fail',
        post_hook = [
            "delete from {{ this }} where decision_id not in (select decision_id from {{ ref('stg_archive__decisions') }})",
            "{{ speak_for_now(ref('int_as_of'), ref('order_line')) }}"
        ]
    )
}}

-- Grain: one row per decision.
-- Taken anew from the first day on that new decisions, new order lines or open windows can change.
with decisions as (
    select * from {{ ref('stg_archive__decisions') }}
),

lines as (
    select max(loaded_at) as lines_loaded_at from {{ ref('order_line') }}
),

{% if is_incremental() -%}
changed as (
    select min(decided_day) - {{ var('outcome_window_days') }} as day
    from decisions
    where decision_id not in (select decision_id from {{ this }})
    union all
    select min({{ utc_day('decided_at') }}) as day
    from {{ this }}
    where outcome = 'open'
    union all
    -- One day of slack: an archive file may appear after one with later entries.
    select min(ordered_day) - {{ var('outcome_window_days') }} as day
    from {{ ref('order_line') }}
    where loaded_at > (select max(lines_loaded_at) - interval 1 day from {{ this }})
    {%- if build_day() %}
    union all
    select date '{{ build_day() }}' as day
    {%- endif %}
),

{% endif -%}
due as (
    select * from decisions
    {%- if is_incremental() %}
    where decided_day >= (select min(day) from changed)
    {%- endif %}
),

shown as (
    select
        decision_id,
        count(*) as actions,
        arg_min(action_id, position) as first_action_id,
        arg_min(propensity, position) as first_propensity,
        list(action_id order by position) as action_ids
    from {{ ref('int_decision_actions') }}
    group by decision_id
),

credits as (
    select
        decision_id,
        min(matched_by) as matched_by,
        min(ordered_at) as rewarded_at,
        arg_min(product_id, (ordered_at, order_id, line_id)) as rewarded_product_id,
        count(*) as rewarded_lines,
        sum(value) as reward_value
    from {{ ref('int_outcome_credits') }}
    group by decision_id
),

responses as (
    select
        decision_id,
        min(occurred_at) filter (where name in ('Product Viewed', 'Product Clicked', 'Email Opened', 'Email Link Clicked',
            'Push Notification Tapped')) as viewed_at,
        min(occurred_at) filter (where name = 'Product Added') as added_at
    from {{ ref('int_events') }}
    where decision_id is not null
    group by decision_id
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

final as (
    select
        due.decision_id,
        due.moment_id,
        due.customer_id,
        due.channel,
        due.placement,
        due.store_id,
        due.decided_at,
        due.fallback,
        due.policy_version,
        due.model_version,
        due.catalog_version,
        due.trigger_id,
        coalesce(shown.actions, 0) as actions,
        shown.action_ids,
        shown.first_action_id,
        shown.first_propensity,
        responses.viewed_at,
        responses.added_at,
        case
            when credits.decision_id is not null then 'rewarded'
            when due.decided_at + {{ outcome_window() }} <= as_of.as_of then 'not_rewarded'
            else 'open'
        end as outcome,
        credits.matched_by,
        credits.rewarded_at,
        credits.rewarded_product_id,
        coalesce(credits.rewarded_lines, 0) as rewarded_lines,
        cast(credits.reward_value as decimal(38, 2)) as reward_value,
        due.decided_at + {{ outcome_window() }} as window_ends_at,
        lines.lines_loaded_at,
        as_of.as_of
    from due
    cross join lines
    cross join as_of
    left join shown on due.decision_id = shown.decision_id
    left join credits on due.decision_id = credits.decision_id
    left join responses on due.decision_id = responses.decision_id
)

select * from final
