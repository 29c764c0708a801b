-- Grain: one row per product.
with products as (
    select * from {{ ref('stg_feeds__products') }}
),

sales as (
    select * from {{ ref('int_product_sales') }}
),

counted as (
    select distinct product_id from {{ ref('int_stock_counts') }}
),

as_of as (
    select * from {{ ref('int_as_of') }}
),

mentioned as (
    select product_id from products
    union
    select product_id from sales
    union
    select product_id from counted
),

final as (
    select
        mentioned.product_id,
        products.name,
        products.department,
        products.category,
        products.brand,
        products.list_price,
        products.unit_cost,
        cast((products.list_price - products.unit_cost) / nullif(products.list_price, 0) as double) as margin_rate,
        products.product_id is not null as is_known,
        coalesce(sales.units_28d, 0) as units_28d,
        coalesce(sales.units_91d, 0) as units_91d,
        coalesce(sales.net_sales_91d, 0) as net_sales_91d,
        coalesce(sales.customers_91d, 0) as customers_91d,
        sales.repeat_rate_365d,
        sales.avg_unit_price_91d,
        sales.discount_share_91d,
        sales.first_sold_at,
        sales.last_sold_at,
        sales.popularity_rank,
        coalesce(products._simulated, false) as is_simulated,
        as_of.as_of
    from mentioned
    left join products on mentioned.product_id = products.product_id
    left join sales on mentioned.product_id = sales.product_id
    cross join as_of
)

select * from final
