{{ config(meta = {'dagster': {'group': 'profile'}}) }}


-- Grain: one row per customer with a purchase in the 365 days before as_of; likings by net sales.
with lines as (
    select
        lines.customer_id,
        lines.net_amount,
        products.category,
        products.brand
    from {{ ref('order_line') }} as lines
    cross join {{ ref('int_as_of') }} as as_of
    left join {{ ref('stg_feeds__products') }} as products on lines.product_id = products.product_id
    where lines.customer_id is not null and lines.ordered_at >= as_of.as_of - interval 365 day
),

categories as ({{ top_by_sales('category') }}),

brands as ({{ top_by_sales('brand') }}),

final as (
    select
        coalesce(categories.customer_id, brands.customer_id) as customer_id,
        categories.top as top_categories,
        categories.top_share as top_category_share,
        brands.top as top_brands
    from categories
    full join brands on categories.customer_id = brands.customer_id
)

select * from final
