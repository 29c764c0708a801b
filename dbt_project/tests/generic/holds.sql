{# Rows for which a condition between columns is false (null counts as held): arithmetic invariants. #}
{% test holds(model, condition) %}
select *
from {{ model }}
where not ({{ condition }})
{% endtest %}
