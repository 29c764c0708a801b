-- Grain: one row per activation (one message to one destination); the entry that finished last stands.
with source as (
    select * from {{ source('archive', 'activations') }}
),

last_word as (
    select *
    from source
    qualify row_number() over (partition by activation_id order by finished_at desc nulls last, attempts desc) = 1
),

final as (
    select
        activation_id,
        trigger_id,
        decision_id,
        customer_id,
        channel,
        destination,
        status,
        reason,
        caused_at,
        decided_at,
        finished_at,
        attempts,
        {{ in_lake('lake_file') }} as lake_file
    from last_word
)

select * from final
