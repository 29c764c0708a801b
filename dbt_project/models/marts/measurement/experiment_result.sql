-- Grain: one row per experiment and variation.
with decided as (
    select
        coalesce(customer_id, decision_id) as subject,
        decided_at as exposed_at,
        unnest(from_json(experiments, '[{"experimentId": "VARCHAR", "variationId": "VARCHAR"}]')) as assignment
    from {{ ref('stg_archive__decisions') }}
),

viewed as (
    select
        coalesce(identifiers.customer_id, events.customer_id, events.partition_key, events.user_id, events.anonymous_id)
            as subject,
        events.occurred_at as exposed_at,
        coalesce(properties ->> '$.experimentId', properties ->> '$.experiment_id') as experiment_id,
        coalesce(properties ->> '$.variationId', properties ->> '$.variation_id') as variation_id
    from {{ ref('int_events') }} as events
    left join {{ ref('stg_identity__identifier_link') }} as identifiers
        on identifiers.identifier_type = 'user_id' and events.user_id = identifiers.identifier_value
    where events.name = 'Experiment Viewed'
),

exposures as (
    select subject, exposed_at, assignment.experimentId as experiment_id, assignment.variationId as variation_id
    from decided
    union all
    select subject, exposed_at, experiment_id, variation_id
    from viewed
),

subjects as (
    select
        experiment_id,
        subject,
        arg_min(variation_id, (exposed_at, variation_id)) as variation_id,
        min(exposed_at) as exposed_at,
        count(distinct variation_id) > 1 as is_crossover
    from exposures
    where experiment_id is not null and variation_id is not null
    group by experiment_id, subject
),

bought as (
    select
        subjects.experiment_id,
        subjects.subject,
        count(distinct (lines.source, lines.order_id)) as orders,
        sum(lines.net_amount) as value
    from subjects
    inner join {{ ref('order_line') }} as lines
        on
            subjects.subject = lines.customer_id
            and lines.ordered_at between subjects.exposed_at and subjects.exposed_at + {{ outcome_window() }}
    group by subjects.experiment_id, subjects.subject
),

counted as (
    select
        subjects.experiment_id,
        subjects.variation_id,
        count(*) as subjects,
        count(*) filter (where subjects.is_crossover) as crossover_subjects,
        count(bought.subject) as conversions,
        coalesce(sum(bought.orders), 0) as orders,
        coalesce(sum(bought.value), 0) as total_value,
        var_samp(coalesce(cast(bought.value as double), 0)) as value_variance,
        min(subjects.exposed_at) as first_exposed_at,
        max(subjects.exposed_at) as last_exposed_at
    from subjects
    left join bought on subjects.experiment_id = bought.experiment_id and subjects.subject = bought.subject
    group by subjects.experiment_id, subjects.variation_id
),

final as (
    select
        counted.experiment_id,
        counted.variation_id,
        counted.subjects,
        counted.crossover_subjects,
        counted.conversions,
        counted.conversions / counted.subjects as conversion_rate,
        cast(counted.orders as bigint) as orders,
        counted.total_value,
        cast(counted.total_value as double) / counted.subjects as mean_value,
        counted.value_variance,
        counted.first_exposed_at,
        counted.last_exposed_at,
        as_of.as_of
    from counted
    cross join {{ ref('int_as_of') }} as as_of
)

select * from final
