{# Of several loads of one row the latest: the rows of `relation` whose `keys` are the same are loads of one row. #}
{% macro latest_load(relation, keys) -%}
    select *
    from {{ relation }}
    qualify row_number() over (
        partition by {{ keys | join(', ') }}
        order by _loaded_at desc, _row desc
    ) = 1
{%- endmacro %}
