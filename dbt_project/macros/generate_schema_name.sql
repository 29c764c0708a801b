{# Schemas are called what the models say ("marts"), not "main_marts": others read them by that name. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name if custom_schema_name else target.schema }}
{%- endmacro %}
