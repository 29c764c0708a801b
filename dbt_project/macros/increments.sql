{#
  How incremental models stay a pure function of the lake.

  Files of the lake are immutable and every row knows its own (`lake_file`), so "new" means "from a file that the
  table has no row of": a clock would miss files that appear late with an earlier stamp.
#}

{#
  The day (UTC) to take anew, or ''. `--vars '{day: ...}'` makes dbt parse the whole project again; RTP_BUILD_DAY says
  the same without.
#}
{% macro build_day() -%}
    {{ return(var('day') or env_var('RTP_BUILD_DAY', '')) }}
{%- endmacro %}

{# True for rows from files not taken in yet, and for rows of the day asked for. #}
{% macro is_new(day_column) -%}
    (
        lake_file not in (select distinct lake_file from {{ this }})
        {%- if build_day() %}
        or {{ day_column }} = date '{{ build_day() }}'
        {%- endif %}
    )
{%- endmacro %}

{# Rows of files that left the lake (erased, compacted, replaced) leave the table too. #}
{% macro forget_missing_files(sources) -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where lake_file in (
        select distinct lake_file from {{ this }}
        {%- for one in sources %}
        except
        select {{ in_lake('file') }} from glob('{{ lake_glob(one) }}')
        {%- endfor %}
    )
    {%- endif -%}
{%- endmacro %}

{# The glob inside a source's read_parquet('...') expression. #}
{% macro lake_glob(source_relation) -%}
    {{ (source_relation | string).split("'")[1] }}
{%- endmacro %}

{# A file's path within the lake, so that the lake can move. #}
{% macro in_lake(path) -%}
    replace({{ path }}, '{{ env_var("RTP_LAKE_DIR", "../.rtp/lake") }}/', '')
{%- endmacro %}

{# The UTC day of a moment. #}
{% macro utc_day(moment) -%}
    cast({{ moment }} at time zone 'UTC' as date)
{%- endmacro %}
