-- Grain: one row per row of a loaded file; a line may recur when a file corrects it (int_order_lines_fed keeps the last).
with source as (
    select * from {{ source('feeds', 'order_lines') }}
),

final as (
    select
        source,
        order_id,
        line_id,
        ordered_at,
        {{ utc_day('ordered_at') }} as ordered_day,
        channel,
        store_id,
        customer_ref,
        product_id,
        quantity,
        net_amount,
        discount_amount,
        offer_id,
        returned_quantity,
        _row,
        _loaded_at,
        _simulated,
        {{ in_lake('lake_file') }} as lake_file
    from source
)

select * from final
