{# One row per customer: the value of `column` in most of `orders`, and in how many. #}
{% macro favourite(column) %}
    select customer_id, arg_max(value, (times, rank)) as favourite, max(times) as times
    from (
        select
            customer_id,
            {{ column }} as value,
            count(*) as times,
            -row_number() over (partition by customer_id order by {{ column }}) as rank
        from orders
        where {{ column }} is not null
        group by customer_id, {{ column }}
    )
    group by customer_id
{%- endmacro %}

{# What likings are made from: the customer's lines, and the catalogue that says what the products are. #}
{% macro affinity_marks() -%}
    (
        select customer_id, hash(fingerprint, catalogue) as fingerprint
        from {{ ref('int_customer_lines') }}
        cross join (
            select bit_xor(hash(product_id, category, brand)) as catalogue from {{ ref('stg_feeds__products') }}
        )
    )
{%- endmacro %}

{# One row per customer: the values of `column` with most net sales in `lines`, and the share of the first. #}
{% macro top_by_sales(column) %}
    select
        customer_id,
        list(value order by net_sales desc, value)[1:{{ var('affinity_depth') }}] as top,
        cast(max(net_sales) as double) / nullif(cast(sum(net_sales) as double), 0) as top_share
    from (
        select customer_id, {{ column }} as value, sum(net_amount) as net_sales
        from lines
        where {{ column }} is not null
        group by customer_id, {{ column }}
        having sum(net_amount) > 0
    )
    group by customer_id
{%- endmacro %}

{# The last word on a purpose: of the channel itself, else of "all"; without a channel: no if any channel says no. #}
{% macro consent_of(purpose, channel = none) -%}
    coalesce(
        {%- if channel %}
        bool_or(granted) filter (where purpose = '{{ purpose }}' and channel = '{{ channel }}'),
        {%- endif %}
        bool_or(granted) filter (where purpose = '{{ purpose }}' and channel = 'all')
        {%- if not channel %},
        bool_and(granted) filter (where purpose = '{{ purpose }}')
        {%- endif %}
    )
{%- endmacro %}

{# How long after a decision a purchase still counts. #}
{% macro outcome_window() -%}
    interval {{ var('outcome_window_days') }} day
{%- endmacro %}
