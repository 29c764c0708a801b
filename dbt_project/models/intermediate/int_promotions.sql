{{
    config(
        materialized = 'incremental',
        incremental_strategy = 'delete+insert',
        unique_key = ['product_id', 'store_id', 'week_start'],
        on_schema_change = 'fail',
        post_hook = "{{ forget_missing_files([source('feeds', 'promotions')]) }}"
    )
}}

-- Grain: one row per product, store and week; of several loads the latest word stands.
-- There are tens of millions of rows and few repetitions: repeated keys are found by their hashes, and only these rows
-- are ranked.
with loaded as not materialized (
    select *, hash(product_id, store_id, week_start) as key_hash
    from ({{ due_rows(ref('stg_feeds__promotions')) }})
),

repeated as (
    select key_hash
    from loaded
    group by key_hash
    having count(*) > 1
),

repetitions as (
    select *
    from loaded
    where key_hash in (select key_hash from repeated)
),

latest as ({{ latest_load('repetitions', ['product_id', 'store_id', 'week_start']) }}),

once as (
    select *
    from loaded
    where key_hash not in (select key_hash from repeated)
    union all
    select * from latest
),

final as (
    select
        product_id,
        store_id,
        week_start,
        display,
        mailer,
        _loaded_at,
        lake_file
    from once
    where {{ no_later_load_is_kept('once', ['product_id', 'store_id', 'week_start']) }}
)

select * from final
