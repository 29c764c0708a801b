{{ config(meta = {'dagster': {'ref': {'name': 'decision_outcome'}}}) }}
-- What decisions are credited with is what order lines were credited, to the cent; no decision is lost or doubled.
with outcomes as (
    select count(*) as decisions, sum(rewarded_lines) as credited_lines, coalesce(sum(reward_value), 0) as value
    from {{ ref('decision_outcome') }}
),

credits as (
    select count(*) as credited_lines, coalesce(sum(value), 0) as value
    from {{ ref('int_outcome_credits') }}
),

decisions as (
    select count(*) as decisions from {{ ref('stg_archive__decisions') }}
)

select *
from outcomes
cross join credits
cross join decisions
where
    outcomes.decisions <> decisions.decisions
    or coalesce(outcomes.credited_lines, 0) <> credits.credited_lines
    -- Values are rounded to cents once per decision.
    or abs(outcomes.value - credits.value) > 0.005 * outcomes.decisions
