{{ config(meta = {'dagster': {'group': 'profile'}}) }}


-- Grain: one row per customer with any word on consent. The last word on each purpose and channel counts; "all" speaks
-- for each channel that has no word of its own; no word is null, never false.
with consents as (
    select * from {{ ref('stg_feeds__consents') }}
),

links as (
    select * from {{ ref('stg_identity__customer_link') }}
),

events as (
    select * from {{ ref('int_events') }}
    where name = 'Consent Changed' or gpc
),

identifiers as (
    select * from {{ ref('stg_identity__identifier_link') }}
),

from_feeds as (
    select links.customer_id, consents.purpose, consents.channel, consents.status = 'granted' as granted, consents.given_at
    from consents
    inner join links on consents.source = links.source and consents.customer_ref = links.customer_ref
),

known_events as (
    select
        events.*,
        coalesce(users.customer_id, anonymous.customer_id, events.customer_id) as whose
    from events
    left join identifiers as users
        on users.identifier_type = 'user_id' and events.user_id = users.identifier_value
    left join identifiers as anonymous
        on anonymous.identifier_type = 'anonymous_id' and events.anonymous_id = anonymous.identifier_value
),

-- As the hot path reads them: any status but "granted" is a no, and `Sec-GPC` opts out of ads.
from_events as (
    select
        whose as customer_id,
        properties ->> '$.purpose' as purpose,
        coalesce(properties ->> '$.channel', 'all') as channel,
        coalesce(properties ->> '$.status', '') = 'granted' as granted,
        case
            when try_cast(properties ->> '$.at' as timestamptz) is null then occurred_at
            else least(try_cast(properties ->> '$.at' as timestamptz), received_at)
        end as given_at
    from known_events
    where name = 'Consent Changed' and whose is not null
    union all
    select whose, 'ads', 'all', false, occurred_at
    from known_events
    where gpc and whose is not null
),

said as (
    select * from from_feeds
    union all
    select * from from_events
),

last_words as (
    select
        customer_id,
        purpose,
        channel,
        -- Of two words at one moment the no counts.
        arg_max(granted, (given_at, not granted)) as granted
    from said
    group by customer_id, purpose, channel
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
