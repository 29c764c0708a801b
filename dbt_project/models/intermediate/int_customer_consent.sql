{{ config(meta = {'dagster': {'group': 'profile'}}) }}


-- Grain: one row per customer with any word on consent. The last word on each purpose and channel counts; "all" speaks
-- for each channel that has no word of its own; no word is null, never false.
with consents as (
    select * from {{ ref('stg_feeds__consents') }}
),

links as (
    select * from {{ ref('stg_identity__customer_link') }}
),

last_words as (
    select
        links.customer_id,
        consents.purpose,
        consents.channel,
        -- Of two words at one moment the no counts.
        arg_max(consents.status = 'granted', (consents.given_at, consents.status = 'denied')) as granted
    from consents
    inner join links on consents.source = links.source and consents.customer_ref = links.customer_ref
    group by links.customer_id, consents.purpose, consents.channel
),

final as (
    select
        customer_id,
        {{ consent_of('personalization') }} as consent_personalization,
        {{ consent_of('marketing', 'email') }} as consent_marketing_email,
        {{ consent_of('marketing', 'push') }} as consent_marketing_push,
        {{ consent_of('marketing', 'sms') }} as consent_marketing_sms,
        {{ consent_of('ads', 'ads') }} as consent_ads
    from last_words
    group by customer_id
)

select * from final
