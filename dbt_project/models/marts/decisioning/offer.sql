-- Grain: one row per offer.
with offers as (
    select * from {{ ref('stg_feeds__offers') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

products as (
    select offer_id, list(product_id order by product_id) as product_ids
    from {{ ref('stg_feeds__offer_products') }}
    group by offer_id
),

targets as (
    select offer_id, count(*) as targets
    from {{ ref('stg_feeds__offer_targets') }}
    group by offer_id
),

redemptions as (
    select offer_id, count(*) as redemptions, count(distinct (source, customer_ref)) as redeemers
    from {{ ref('stg_feeds__offer_redemptions') }}
    group by offer_id
),

final as (
    select
        offers.offer_id,
        offers.kind,
        offers.name,
        offers.starts_at,
        offers.ends_at,
        offers.discount_amount,
        offers.discount_rate,
        offers.channels,
        products.product_ids,
        coalesce(targets.targets, 0) as targets,
        coalesce(redemptions.redemptions, 0) as redemptions,
        coalesce(redemptions.redeemers, 0) as redeemers,
        coalesce(offers.starts_at <= as_of.as_of, true) and coalesce(offers.ends_at >= as_of.as_of, true) as is_active,
        coalesce(offers._simulated, false) as is_simulated,
        as_of.as_of
    from offers
    left join products on offers.offer_id = products.offer_id
    left join targets on offers.offer_id = targets.offer_id
    left join redemptions on offers.offer_id = redemptions.offer_id
    cross join as_of
)

select * from final
