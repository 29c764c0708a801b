"""A feed file as a relation that DuckDB can read again and again: its rows, their lines, its columns."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec

from rtp.errors import Rejected
from rtp.signals.feeds import TableContract, contract
from rtp.signals.feeds.check_sql import ROW
from rtp.signals.feeds.schema_sql import literal, quoted
from rtp.signals.feeds.value_sql import is_json_object
from rtp.stores.feeds.files import FeedFile, unreadable
from rtp.stores.feeds.text_rows import LINE, MOST_UNREADABLE, stage_csv, stage_json_lines

Notify = Callable[[float], None]
"""Hears which share of a file has been read."""


class Relation(msgspec.Struct, frozen=True):
    """`sql` may stand after FROM; it has `_row` and `columns` (name to DuckDB type)."""

    sql: str
    columns: dict[str, str]
    unreadable: list[tuple[int, str]] = []
    """(line, text) of what is no row at all."""
    garbled: bool = False


def relation_of(
    connection: duckdb.DuckDBPyConnection, file: FeedFile, work_dir: Path, notify: Notify, *, shift_days: int = 0
) -> Relation:
    """Opens a file; texts are first written to `work_dir` as Parquet. Raises Rejected naming file and column."""
    staged = work_dir / f"{file.table}-{file.digest}.rows.parquet"
    if file.format == "query":
        columns = _describe(connection, f"({file.sql})")
        found = Relation(f"({file.sql})", {name: kind for name, kind in columns.items() if name != ROW})
    elif file.format == "parquet":
        found = _parquet(connection, file)
    elif file.format == "csv":
        rows = stage_csv(file.path, staged, notify)
        found = Relation(*_not_blank(connection, rows.path), rows.unreadable, rows.garbled)
    else:
        found = _json_lines(connection, file, staged, notify, shift_days)
    _require_columns(contract(file.table), file, found)
    return found


def _parquet(connection: duckdb.DuckDBPyConnection, file: FeedFile) -> Relation:
    source = f"read_parquet({literal(str(file.path))}, file_row_number = true)"
    try:
        types = _describe(connection, source)
    except duckdb.Error as error:
        raise unreadable(file.path, "it is no whole Parquet file") from error
    names = {name: name.strip().lower() for name in types if not name.startswith("_") and name != "file_row_number"}
    _refuse_twice(file, list(names.values()))
    renamed = ", ".join(f"{quoted(name)} AS {quoted(lower)}" for name, lower in names.items())
    sql = f"(SELECT {renamed or 'NULL AS _none'}, file_row_number + 1 AS {ROW} FROM {source})"
    return Relation(sql, {lower: types[name] for name, lower in names.items()})


def _not_blank(connection: duckdb.DuckDBPyConnection, staged: Path) -> tuple[str, dict[str, str]]:
    source = f"read_parquet({literal(str(staged))})"
    columns = {name: kind for name, kind in _describe(connection, source).items() if name != ROW}
    texts = ", ".join(quoted(name) for name in columns)
    return f"(SELECT * FROM {source} WHERE trim(concat({texts})) <> '')", columns


def _json_lines(
    connection: duckdb.DuckDBPyConnection, file: FeedFile, staged: Path, notify: Notify, shift_days: int
) -> Relation:
    rows = stage_json_lines(file.path, staged, notify)
    source, good = f"read_parquet({literal(str(rows.path))})", is_json_object(LINE)
    bad = connection.execute(
        f"SELECT {ROW}, {LINE} FROM {source} WHERE NOT ({good}) ORDER BY {ROW} LIMIT {MOST_UNREADABLE + 1}"
    ).fetchall()
    if len(bad) > MOST_UNREADABLE:
        raise unreadable(file.path, f"more than {MOST_UNREADABLE:,} of its lines are no JSON object")
    if file.table == "events":
        paths = _envelope(shift_days)
    else:
        keys_of = f"CASE WHEN {good} THEN json_keys({LINE}) END"
        keys = connection.execute(f"SELECT DISTINCT unnest({keys_of}) FROM {source} ORDER BY 1")
        names = [str(row[0]) for row in keys.fetchall() if not str(row[0]).startswith("_")]
        _refuse_twice(file, [name.strip().lower() for name in names])
        paths = {name.strip().lower(): _extract(name) for name in names}
    picked = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in paths.items())
    # DuckDB may pick before it filters, and picking from what is no JSON raises.
    guarded = f"SELECT {ROW}, CASE WHEN {good} THEN {LINE} END AS {LINE} FROM {source}"
    sql = f"(SELECT {picked or 'NULL AS _none'}, {ROW} FROM ({guarded}) WHERE {LINE} IS NOT NULL)"
    return Relation(sql, dict.fromkeys(paths, "VARCHAR"), [(int(row), str(text)) for row, text in bad], rows.garbled)


def _extract(*names: str) -> str:
    return f"json_extract_string({LINE}, {literal('$.' + '.'.join(quoted(name) for name in names))})"


def _envelope(shift_days: int) -> dict[str, str]:
    """The columns of `events`, from a Segment envelope. A load that moves dates moves them in the envelope too."""
    occurred = f"coalesce({_extract('timestamp')}, {_extract('originalTimestamp')}, {_extract('sentAt')})"
    raw = LINE
    if shift_days:
        moved = f"TRY_CAST({occurred} AS TIMESTAMP WITH TIME ZONE) + INTERVAL {shift_days} DAY"
        stamp = f"strftime({moved}, '%Y-%m-%dT%H:%M:%S.%gZ')"
        raw = f"json_merge_patch({LINE}, json_object('timestamp', {stamp}, 'sentAt', NULL, 'originalTimestamp', NULL))"
    return {
        "message_id": f"coalesce({_extract('messageId')}, 'file-' || md5({LINE}))",
        "type": _extract("type"),
        "occurred_at": occurred,
        "user_id": _extract("userId"),
        "anonymous_id": _extract("anonymousId"),
        "raw": f"CAST({raw} AS VARCHAR)",
    }


def _describe(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _refuse_twice(file: FeedFile, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise unreadable(file.path, f"it has two columns named {twice[0]!r}")


def _require_columns(table: TableContract, file: FeedFile, found: Relation) -> None:
    missing = [name for name in table.required_columns if name not in found.columns]
    if not missing or (file.format == "jsonl" and not found.columns):
        return
    has = ", ".join(found.columns) or "none"
    raise Rejected(
        f"{file.name} lacks the required column {' and '.join(missing)}.",
        reason="MISSING_COLUMN",
        field=f"{file.name}:{missing[0]}",
        hint=f"It has: {has}. Add the column, or rename one; nothing of this load has been taken in.",
    )
