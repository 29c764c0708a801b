{{ config(meta = {'dagster': {'group': 'profile'}}) }}


-- Grain: one row per customer who was targeted by an offer or redeemed one.
with links as (
    select * from {{ ref('stg_identity__customer_link') }}
),

targeted as (
    select links.customer_id, targets.offer_id
    from {{ ref('stg_feeds__offer_targets') }} as targets
    inner join links on targets.source = links.source and targets.customer_ref = links.customer_ref
    group by links.customer_id, targets.offer_id
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

final as (
    select
        coalesce(targeted.customer_id, redeemed.customer_id) as customer_id,
        coalesce(sum(redeemed.redemptions_365d), 0) as coupons_redeemed_365d,
        count(redeemed.offer_id) filter (where targeted.offer_id is not null)
        / nullif(count(targeted.offer_id), 0) as coupon_response_rate
    from targeted
    full join redeemed on targeted.customer_id = redeemed.customer_id and targeted.offer_id = redeemed.offer_id
    group by 1
)

select * from final
