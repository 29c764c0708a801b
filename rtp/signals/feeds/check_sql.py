"""The one query that types and checks the rows of a feed file, whatever format they came in."""

from collections.abc import Mapping

from rtp.signals.feeds.column import Column
from rtp.signals.feeds.contracts import TableContract
from rtp.signals.feeds.schema_sql import literal, quoted
from rtp.signals.feeds.value_sql import problems, raw_value, typed_value

ROW, PROBLEM = "_row", "_problem"
UNREADABLE_CHARACTER = "\ufffd"
"""What a text reader puts where the bytes are not UTF-8."""


def checked_rows(
    table: TableContract, source: str, columns: Mapping[str, str], *, shift_days: int = 0, garbled: bool = False
) -> str:
    """A query over `source` (SQL of a relation with `_row`, and `columns`: name to DuckDB type).

    `shift_days` moves the times that move; `garbled` says that a reader met bytes that are not UTF-8.

    It gives the contract's columns in their types, the retailer's own columns as they are, `_row`, and `_problem`:
    NULL, or "REASON:column" of the first thing that is wrong with the row.
    """
    own = [quoted(name) for name in own_columns(table, columns)]
    raws, typed = [], []
    for column in table.columns:
        if column.name not in columns:
            typed.append(f"CAST(NULL AS {column.kind.sql_type}) AS {quoted(column.name)}")
            continue
        raw, raw_type = raw_value(f"s.{quoted(column.name)}", columns[column.name], column.kind)
        raws.append(f"{raw} AS {_raw(column)}")
        typed.append(f"{typed_value(_raw(column), raw_type, column, shift_days)} AS {quoted(column.name)}")
    inner = ", ".join(
        [*raws, *(f"s.{name}" for name in own), f"s.{ROW}", f"{_garbled(columns) if garbled else 'false'} AS _garbled"]
    )
    middle = f"SELECT *, {', '.join(typed)} FROM (SELECT {inner} FROM {source} s)"
    kept = ", ".join([*(quoted(column.name) for column in table.columns), *own, ROW])
    return f"SELECT {kept}, {_problem(table, columns)} AS {PROBLEM} FROM ({middle})"


def own_columns(table: TableContract, columns: Mapping[str, str]) -> list[str]:
    """The retailer's own columns: carried through, so that its quality rules can use them."""
    ours = {column.name for column in table.columns}
    return [name for name in columns if name not in ours and not name.startswith("_")]


def _raw(column: Column) -> str:
    return quoted(f"raw:{column.name}")


def _garbled(columns: Mapping[str, str]) -> str:
    texts = [f"s.{quoted(name)}" for name, kind in columns.items() if kind == "VARCHAR"]
    joined = f"concat({', '.join(texts)})" if texts else "''"
    return f"contains({joined}, {literal(UNREADABLE_CHARACTER)})"


def _problem(table: TableContract, columns: Mapping[str, str]) -> str:
    cases = [("_garbled", "NOT_UTF8:")]
    for column in table.columns:
        if column.name in columns:
            found = problems(column, _raw(column), quoted(column.name))
            cases += [(condition, f"{reason}:{column.name}") for condition, reason in found]
    cases += [(f"NOT coalesce({check.holds}, true)", f"{check.reason}:{check.column}") for check in table.row_checks]
    return f"CASE {' '.join(f'WHEN {condition} THEN {literal(label)}' for condition, label in cases)} END"
