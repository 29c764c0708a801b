{#
  Several rules about one model in one query, because what a test costs is mostly its being one more test. The failure
  names each rule that does not hold, with how many rows (keys, for `grain`) break it:

  - `holds`: conditions between the columns of a row, by the name of the rule; null counts as held;
  - `grain`: columns that no two rows share; with `day_column` a one-day refresh looks at that day only;
  - `references`: for a column, the model (`to`) and its column (`field`) that must have each value; null is none.
#}
{% test rules(model, holds = none, grain = none, day_column = none, references = none) %}
{%- set name = (model | string | replace('"', '')).split('.')[-1] %}
with counted as (
    select
        {%- if grain %}
        (select count(*) from ({{ repeated_keys(model, grain, day_column) }})) as "{{ name }}_grain",
        {%- endif %}
        {%- for column, known in (references or {}).items() %}
        count(*) filter (
            where {{ column }} is not null and {{ column }} not in (
                select {{ known.field }} from {{ known.to }} where {{ known.field }} is not null
            )
        ) as "{{ name }}_{{ column }}_is_known",
        {%- endfor %}
        {%- for rule, condition in (holds or {}).items() %}
        count(*) filter (where not ({{ condition }})) as "{{ rule }}",
        {%- endfor %}
    from {{ model }}
),

broken as (
    select string_agg(rule || ' (' || found || ')', ', ' order by rule) as rules
    from (unpivot counted on columns(*) into name rule value found)
    where found > 0
)

-- In the condition, because dbt only counts the rows: a column would never be worked out.
select rules
from broken
where rules is not null and error('broken: ' || rules) is not null
{% endtest %}
