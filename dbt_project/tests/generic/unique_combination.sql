{# Rows that share all of `columns` with another row: the grain does not hold. See `repeated_keys`. #}
{% test unique_combination(model, columns, day_column = none, days = 1) %}
{{ repeated_keys(model, columns, day_column, days) }}
{% endtest %}
