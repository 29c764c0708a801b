{#
  Combinations of `columns` that more than one row has.
  Hashes are counted first, so that only suspicious rows are compared in full: half the time on large tables.
  Where `day_column` is named, a one-day refresh looks at that day only (at the `days` days that end with it).
#}
{% macro repeated_keys(model, columns, day_column = none, days = 1) -%}
{%- set keys = columns | join(', ') -%}
with looked_at as not materialized (
    select {{ keys }} from {{ model }}
    {%- if day_column and build_day() %}
    where {{ day_column }} between date '{{ build_day() }}' - {{ days - 1 }} and date '{{ build_day() }}'
    {%- endif %}
)

select {{ keys }}, count(*) as rows_found
from looked_at
where hash({{ keys }}) in (
    select hash({{ keys }})
    from looked_at
    group by all
    having count(*) > 1
)
group by {{ keys }}
having count(*) > 1
{%- endmacro %}
