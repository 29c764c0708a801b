{{ config(meta = {'dagster': {'group': 'profile'}}) }}

-- Grain: one row per customer and offer that was targeted at the customer, under whatever reference.
with final as (
    select distinct links.customer_id, targets.offer_id
    from {{ ref('stg_feeds__offer_targets') }} as targets
    inner join {{ ref('stg_identity__customer_link') }} as links
        on targets.source = links.source and targets.customer_ref = links.customer_ref
)

select * from final
