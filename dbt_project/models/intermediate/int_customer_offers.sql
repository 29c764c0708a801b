{{ config(meta = {'dagster': {'group': 'profile'}}) }}

-- Grain: one row per customer who was targeted by an offer or redeemed one.
with links as (
    select * from {{ ref('stg_identity__customer_link') }}
),

targeted as (
    select customer_id, count(*) as targeted
    from {{ ref('int_customer_targets') }}
    group by customer_id
),

redeemed as (
    select
        links.customer_id,
        redemptions.offer_id,
        count(*) filter (where redemptions.redeemed_at >= as_of.as_of - interval 365 day) as redemptions_365d
    from {{ ref('stg_feeds__offer_redemptions') }} as redemptions
    inner join links on redemptions.source = links.source and redemptions.customer_ref = links.customer_ref
    cross join {{ ref('int_as_of') }} as as_of
    group by links.customer_id, redemptions.offer_id
),

-- From the side of what was redeemed: a thousand times more is targeted.
answered as (
    select
        redeemed.customer_id,
        sum(redeemed.redemptions_365d) as redemptions_365d,
        count(targets.offer_id) as answered
    from redeemed
    left join {{ ref('int_customer_targets') }} as targets
        on redeemed.customer_id = targets.customer_id and redeemed.offer_id = targets.offer_id
    group by redeemed.customer_id
),

final as (
    select
        coalesce(targeted.customer_id, answered.customer_id) as customer_id,
        coalesce(answered.redemptions_365d, 0) as coupons_redeemed_365d,
        case when targeted.customer_id is not null then coalesce(answered.answered, 0) / targeted.targeted end
            as coupon_response_rate
    from targeted
    full join answered on targeted.customer_id = answered.customer_id
)

select * from final
