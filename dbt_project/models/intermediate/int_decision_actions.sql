{{ config(materialized = 'view', meta = {'dagster': {'group': 'measurement'}}) }}

-- Grain: one row per decision and action shown.
with decisions as (
    select * from {{ ref('stg_archive__decisions') }}
),

actions as (
    select
        decision_id,
        customer_id,
        decided_at,
        unnest(
            from_json(
                actions,
                '[{"actionId": "VARCHAR", "kind": "VARCHAR", "productId": "VARCHAR", "offerId": "VARCHAR",
                "position": "INTEGER", "score": "DOUBLE", "expectedValue": "DOUBLE", "propensity": "DOUBLE"}]'
            )
        ) as action
    from decisions
),

final as (
    select
        decision_id,
        customer_id,
        decided_at,
        action.actionId as action_id,
        action.kind as kind,
        action.productId as product_id,
        action.offerId as offer_id,
        action.position as position,
        action.score as score,
        action.expectedValue as expected_value,
        action.propensity as propensity
    from actions
)

select * from final
