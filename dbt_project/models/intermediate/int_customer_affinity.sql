{{
    config(
        materialized = 'incremental',
        incremental_strategy = 'append',
        on_schema_change = 'fail',
        pre_hook = "{{ forget_stale(affinity_marks(), 'customer_id') }}",
        meta = {'dagster': {'group': 'profile'}}
    )
}}

-- Grain: one row per customer with an order line; likings by net sales in the 365 days before as_of.
with stale as ({{ stale(affinity_marks(), 'customer_id') }}),

lines as (
    select
        lines.customer_id,
        lines.net_amount,
        products.category,
        products.brand
    from {{ ref('order_line') }} as lines
    inner join stale on lines.customer_id = stale.customer_id
    cross join {{ ref('int_as_of') }} as as_of
    left join {{ ref('stg_feeds__products') }} as products on lines.product_id = products.product_id
    where lines.ordered_at >= as_of.as_of - interval 365 day
),

categories as ({{ top_by_sales('category') }}),

brands as ({{ top_by_sales('brand') }}),

final as (
    select
        stale.customer_id,
        categories.top as top_categories,
        categories.top_share as top_category_share,
        brands.top as top_brands,
        stale.fingerprint
    from stale
    left join categories on stale.customer_id = categories.customer_id
    left join brands on stale.customer_id = brands.customer_id
)

select * from final
