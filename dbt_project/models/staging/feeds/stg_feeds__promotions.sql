-- Grain: one row per row of a loaded file (int_promotions keeps the last word on each product, store and week).
with source as (
    select * from {{ source('feeds', 'promotions') }}
),

final as (
    select
        product_id,
        store_id,
        week_start,
        display,
        mailer,
        _row,
        _loaded_at,
        {{ in_lake('lake_file') }} as lake_file
    from source
)

select * from final
