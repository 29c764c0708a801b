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

{#
  The rows of `staged` to take in: in an increment those of files that the table has no row of and, where `moment` names
  the column that says when, those of the day asked for. The files are asked for first and then written out, and the
  day is a range: only so DuckDB opens no other file and passes over the blocks of other days.
#}
{% macro due_rows(staged, moment = none) -%}
    select * from {{ staged }}
    {%- if is_incremental() %}
    {%- set files = new_files(staged) %}
    where lake_file in ({{ files }})
    {%- if moment and build_day() %}
    union all
    select * from {{ staged }}
    where
        lake_file not in ({{ files }})
        and {{ moment }} >= timestamptz '{{ build_day() }} 00:00:00+00'
        and {{ moment }} < timestamptz '{{ build_day() }} 00:00:00+00' + interval 1 day
    {%- endif %}
    {%- endif %}
{%- endmacro %}

{# The files of `staged` that the table has no row of, as a list of literals; never an empty one. #}
{% macro new_files(staged) -%}
    {%- set files = [''] -%}
    {%- if execute -%}
        {%- set found = run_query(
            'select distinct lake_file from ' ~ staged
            ~ ' where lake_file not in (select distinct lake_file from ' ~ this ~ ') order by lake_file'
        ) -%}
        {%- set files = files + (found.columns[0].values() | list) -%}
    {%- endif -%}
    {%- for file in files -%}
        '{{ file | replace("'", "''") }}'{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# In an increment, true for rows of `loaded` unless the table already has the row of a later load. #}
{% macro no_later_load_is_kept(loaded, keys) -%}
    {%- if is_incremental() -%}
    not exists (
        select 1
        from {{ this }} as kept
        where
            {%- for key in keys %}
            kept.{{ key }} = {{ loaded }}.{{ key }} and
            {%- endfor %}
            kept._loaded_at > {{ loaded }}._loaded_at
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#
  One number for all `lines` of a group: lines have keys of their own, and a line of other contents another loaded_at.
  `more` is what else decides about the sums, such as whether a line lies in a window. Hashed twice, because DuckDB
  only XORs the last column in: two lines that fall out of a window would undo each other.
#}
{% macro fingerprint(more) -%}
    bit_xor(hash(hash(lines.source, lines.order_id, lines.line_id, lines.loaded_at, {{ more | join(', ') }})))
{%- endmacro %}

{#
  Tables of sums keep, with each row, the fingerprint of the lines that it was made from; `marks` has the present ones.
  Before an increment the rows of other fingerprints leave, and `stale` names those that are then missing.
#}
{% macro forget_stale(marks, key) -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where ({{ key }}, fingerprint) not in (select ({{ key }}, fingerprint) from {{ marks }})
    {%- endif -%}
{%- endmacro %}

{% macro stale(marks, key) -%}
    select {{ key }}, fingerprint
    from {{ marks }}
    {%- if is_incremental() %}
    except
    select {{ key }}, fingerprint
    from {{ this }}
    {%- endif %}
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

{# Rows that an increment leaves alone are as true at the new `as_of`, with the lines known now, as they were before. #}
{% macro speak_for_now(as_of, lines) -%}
    update {{ this }} as kept
    set as_of = present.as_of, lines_loaded_at = present.lines_loaded_at
    from (
        select as_of, (select max(loaded_at) from {{ lines }}) as lines_loaded_at
        from {{ as_of }}
    ) as present
    where (kept.as_of, kept.lines_loaded_at) is distinct from (present.as_of, present.lines_loaded_at)
{%- endmacro %}
