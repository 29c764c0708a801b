"""How one source value becomes a typed value, as DuckDB expressions: NULL where it cannot be read."""

from rtp.signals.feeds.column import Column, Kind
from rtp.signals.feeds.schema_sql import literal

RANGES = {
    Kind.TIME: "TIMESTAMPTZ '1900-01-01' AND TIMESTAMPTZ '2200-01-01'",
    Kind.DATE: "DATE '1900-01-01' AND DATE '2200-01-01'",
}
_TIMES = ("TIMESTAMP", "DATE")
_FRACTIONS = ("DOUBLE", "FLOAT")
_NESTED = ("STRUCT", "MAP", "JSON")


def raw_value(expression: str, source_type: str, kind: Kind) -> tuple[str, str]:
    """The value as it came, and its type: texts trimmed, empty ones NULL; ids that came as 7.0 are "7"."""
    if source_type == "VARCHAR":
        return f"nullif(trim({expression}), '')", source_type
    if kind is Kind.JSON and source_type.startswith(_NESTED):
        return f"CAST(to_json({expression}) AS VARCHAR)", "VARCHAR"
    if kind is Kind.TEXT and source_type in _FRACTIONS:
        whole = f"TRY_CAST({expression} AS BIGINT)"
        texts = f"THEN CAST({whole} AS VARCHAR) ELSE CAST({expression} AS VARCHAR)"
        return f"CASE WHEN {whole} = {expression} {texts} END", "VARCHAR"
    return expression, source_type


def typed_value(raw: str, source_type: str, column: Column, shift_days: int) -> str:
    """The value in the type of its column, moved by whole days where the column moves; NULL where unreadable."""
    value = _READERS[column.kind](raw, source_type)
    if column.choices:
        value = f"lower({value})"
    if shift_days and column.shifts and column.kind is Kind.TIME:
        return f"{value} + INTERVAL {shift_days} DAY"
    if shift_days and column.shifts and column.kind is Kind.DATE:
        return f"{value} + {shift_days}"
    return value


def _text(raw: str, source_type: str) -> str:
    return raw if source_type == "VARCHAR" else f"CAST({raw} AS VARCHAR)"


def _time(raw: str, source_type: str) -> str:
    readable = raw if source_type.startswith(_TIMES) else _text(raw, source_type)
    return f"TRY_CAST({readable} AS TIMESTAMP WITH TIME ZONE)"


def _date(raw: str, source_type: str) -> str:
    return raw if source_type == "DATE" else f"CAST({_time(raw, source_type)} AS DATE)"


def _money(raw: str, _source_type: str) -> str:
    return f"TRY_CAST({raw} AS {Kind.MONEY.sql_type})"


def _quantity(raw: str, _source_type: str) -> str:
    return f"TRY_CAST({raw} AS {Kind.QUANTITY.sql_type})"


def _number(raw: str, _source_type: str) -> str:
    value = f"TRY_CAST({raw} AS DOUBLE)"
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def _count(raw: str, _source_type: str) -> str:
    value = f"TRY_CAST({raw} AS DECIMAL(18,3))"
    return f"CASE WHEN {value} = trunc({value}) THEN CAST({value} AS BIGINT) END"


def _json(raw: str, source_type: str) -> str:
    text = _text(raw, source_type)
    return f"CASE WHEN {is_json_object(text)} THEN {text} END"


def is_json_object(text: str) -> str:
    """A condition: the text is one JSON object. Never asks for the type of what is not JSON: that would raise."""
    return f"CASE WHEN json_valid({text}) THEN json_type({text}) = 'OBJECT' ELSE false END"


_READERS = {
    Kind.TEXT: _text,
    Kind.TIME: _time,
    Kind.DATE: _date,
    Kind.MONEY: _money,
    Kind.NUMBER: _number,
    Kind.QUANTITY: _quantity,
    Kind.COUNT: _count,
    Kind.JSON: _json,
}


def problems(column: Column, raw: str, value: str) -> list[tuple[str, str]]:
    """(SQL condition, reason) of everything that can be wrong with a value, the first that holds counts."""
    found = [(f"{raw} IS NULL", "MISSING_VALUE")] if column.required else []
    if column.kind is not Kind.TEXT:
        found.append((f"{raw} IS NOT NULL AND {value} IS NULL", column.kind.reason))
    if column.choices:
        allowed = ", ".join(literal(choice) for choice in column.choices)
        found.append((f"{value} NOT IN ({allowed})", "NOT_ALLOWED"))
    if column.kind in RANGES:
        found.append((f"{value} NOT BETWEEN {RANGES[column.kind]}", "OUT_OF_RANGE"))
    if column.minimum is not None:
        found.append((f"{value} < {column.minimum}", "OUT_OF_RANGE"))
    if column.maximum is not None:
        found.append((f"{value} > {column.maximum}", "OUT_OF_RANGE"))
    return found
