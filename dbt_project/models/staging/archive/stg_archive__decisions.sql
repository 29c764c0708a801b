-- Grain: one row per decision.
with source as (
    select * from {{ source('archive', 'decisions') }}
),

once as (
    select *
    from source
    qualify row_number() over (partition by decision_id order by decided_at, lake_file) = 1
),

final as (
    select
        decision_id,
        moment_id,
        customer_id,
        channel,
        placement,
        store_id,
        decided_at,
        {{ utc_day('decided_at') }} as decided_day,
        coalesce(fallback, false) as fallback,
        policy_version,
        model_version,
        catalog_version,
        candidates,
        try_cast(actions as json) as actions,
        try_cast(rejected as json) as rejected,
        try_cast(experiments as json) as experiments,
        trigger_id,
        {{ in_lake('lake_file') }} as lake_file
    from once
)

select * from final
