-- Grain: one row per customer: everybody whom a feed names or who ordered.
with as_of as (
    select * from {{ ref('int_as_of') }}
),

orders as (
    select * from {{ ref('int_customer_orders') }}
),

links as (
    select * from {{ ref('stg_identity__customer_link') }}
),

identifiers as (
    select * from {{ ref('stg_identity__identifier_link') }}
),

habits as (
    select * from {{ ref('int_customer_habits') }}
),

affinity as (
    select * from {{ ref('int_customer_affinity') }}
),

offers as (
    select * from {{ ref('int_customer_offers') }}
),

consent as (
    select * from {{ ref('int_customer_consent') }}
),

stores as (
    select * from {{ ref('stg_feeds__stores') }}
),

everybody as (
    select customer_id from links
    union
    select customer_id from identifiers
    union
    select customer_id from orders
),

stated as (
    select
        links.customer_id,
        arg_max(customers.attributes, (customers._loaded_at, customers.source, customers.customer_ref)) as attributes,
        bool_or(customers._simulated) as is_simulated
    from {{ ref('stg_feeds__customers') }} as customers
    inner join links on customers.source = links.source and customers.customer_ref = links.customer_ref
    group by links.customer_id
),

{% set in_90d = "filter (where orders.ordered_at >= as_of.as_of - interval 90 day)" -%}
{% set in_365d = "filter (where orders.ordered_at >= as_of.as_of - interval 365 day)" -%}
bought as (
    select
        orders.customer_id,
        min(orders.ordered_at) as first_order_at,
        max(orders.ordered_at) as last_order_at,
        count(distinct orders.ordered_day) as order_days,
        max(orders.ordered_day) - min(orders.ordered_day) as order_span_days,
        count(*) {{ in_90d }} as orders_90d,
        count(*) {{ in_365d }} as orders_365d,
        coalesce(sum(orders.units) {{ in_365d }}, 0) as units_365d,
        coalesce(sum(orders.net_amount) {{ in_90d }}, 0) as net_sales_90d,
        coalesce(sum(orders.net_amount) {{ in_365d }}, 0) as net_sales_365d,
        cast(sum(orders.discount_amount) {{ in_365d }} as double) as discount_365d,
        cast(sum(orders.units_returned) {{ in_365d }} as double) as units_returned_365d
    from orders
    cross join as_of
    group by orders.customer_id
),

final as (
    select
        everybody.customer_id,
        bought.first_order_at,
        bought.last_order_at,
        date_diff('day', bought.first_order_at, as_of.as_of) as tenure_days,
        date_diff('day', bought.last_order_at, as_of.as_of) as recency_days,
        bought.orders_90d,
        bought.orders_365d,
        bought.units_365d,
        bought.net_sales_90d,
        bought.net_sales_365d,
        cast(bought.net_sales_365d as double) / nullif(bought.orders_365d, 0) as avg_basket_value,
        bought.order_span_days / nullif(bought.order_days - 1, 0) as avg_days_between_orders,
        affinity.top_categories[1] as top_category,
        affinity.top_categories,
        affinity.top_category_share,
        affinity.top_brands[1] as top_brand,
        affinity.top_brands,
        bought.discount_365d / nullif(cast(bought.net_sales_365d as double) + bought.discount_365d, 0)
            as discount_share_365d,
        cast(bought.net_sales_365d as double) / nullif(cast(bought.units_365d as double), 0) as avg_unit_price,
        habits.preferred_channel,
        habits.online_share,
        habits.favourite_store_id,
        habits.favourite_store_share,
        habits.preferred_hour,
        habits.preferred_weekday,
        cast(offers.coupons_redeemed_365d as bigint) as coupons_redeemed_365d,
        offers.coupon_response_rate,
        bought.units_returned_365d / nullif(cast(bought.units_365d as double), 0) as return_rate_365d,
        stores.region,
        stores.timezone,
        stated.attributes,
        consent.consent_personalization,
        consent.consent_marketing_email,
        consent.consent_marketing_push,
        consent.consent_marketing_sms,
        consent.consent_ads,
        stated.is_simulated as has_simulated_contacts,
        as_of.as_of
    from everybody
    cross join as_of
    left join bought on everybody.customer_id = bought.customer_id
    left join affinity on everybody.customer_id = affinity.customer_id
    left join habits on everybody.customer_id = habits.customer_id
    left join offers on everybody.customer_id = offers.customer_id
    left join stated on everybody.customer_id = stated.customer_id
    left join consent on everybody.customer_id = consent.customer_id
    left join stores on habits.favourite_store_id = stores.store_id
)

select * from final
