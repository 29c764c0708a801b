"""The frames that expectations look at, read with DuckDB: never more of a large table than a sample."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

import duckdb
import msgspec
import pandas as pd

from rtp.quality.suite import Expect, Frame
from rtp.signals.feeds import Kind
from rtp.signals.feeds.schema_sql import literal, quoted


@runtime_checkable
class Held(Protocol):
    """A pyarrow Table, which has no types of its own."""

    num_rows: int

    def __len__(self) -> int: ...


Source: TypeAlias = "Sequence[Path] | Held"
"""The data of a table: Parquet files, or a table in memory."""

MOST_LINES = 20
"""How many refused lines are named per file and reason."""

MOST_KEYS_COMPARED = 5_000_000
"""Of a larger table repeated keys are looked for in the sample only: comparing all takes a GiB."""

_NO_ROWS = "(SELECT NULL::VARCHAR AS filename, NULL::VARCHAR AS _file WHERE false)"
_NO_QUARANTINE = (
    "(SELECT NULL::VARCHAR AS filename, NULL::VARCHAR AS _file, NULL::VARCHAR AS reason, "
    'NULL::VARCHAR AS "column", NULL::BIGINT AS row WHERE false)'
)
_KINDS = ("duplicate", "missing", "type", "other")
_KIND = (
    "CASE WHEN reason = 'DUPLICATE_KEY' THEN 'duplicate' WHEN reason = 'MISSING_VALUE' THEN 'missing' "
    f"WHEN reason IN ({', '.join(literal(kind.reason) for kind in Kind)}) THEN 'type' "
    "WHEN reason IS NOT NULL THEN 'other' END"
)
"""The loader's reasons by what went wrong."""

MOST_OFFENDERS = 5_000
"""How many rows that break a rule without exceptions join a sample."""


class RowFrame(msgspec.Struct, frozen=True):
    """Rows, and how many the table has in all."""

    frame: pd.DataFrame
    rows: int


class Reader:
    """Reads frames; closes its DuckDB when done."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET memory_limit = '1GB'")
        self._connection.execute("SET enable_progress_bar = false")
        self._connection.execute("SET autoinstall_known_extensions = false")

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def schema(self, source: Source) -> dict[str, str]:
        """Column → DuckDB type. Raises duckdb.Error for a file that is not Parquet."""
        rows = self._fetch(f"DESCRIBE SELECT * FROM {self._relation(source)}")
        return {str(row[0]): str(row[1]) for row in rows}

    def source_name(self, path: Path) -> str:
        """The retailer's name of the file that a feed file came from; empty if it has no rows."""
        found = self._fetch(f"SELECT _file FROM {self._relation((path,))} LIMIT 1")
        return str(found[0][0]) if found else ""

    def count(self, source: Source) -> int:
        """How many rows there are."""
        return int(self._fetch(f"SELECT count(*) FROM {self._relation(source)}")[0][0])

    def hours_since_newest(self, source: Source, column: str, now: datetime) -> float | None:
        """How old the newest value of `column` is; None without any."""
        newest = f"epoch_us(max({quoted(column)})::TIMESTAMPTZ)"
        sql = f"SELECT epoch_us($1::TIMESTAMPTZ) - {newest} FROM {self._relation(source)}"
        micros = self._connection.execute(sql, [now]).fetchall()[0][0]
        return None if micros is None else micros / 3_600_000_000

    def refused(self, source: Source, quarantine: Sequence[Path]) -> pd.DataFrame:
        """One row per file and reason: which share of the file's rows the load refused for it, and the first lines.

        The share stands in the column of its kind. A file of which nothing was refused has one row without shares.
        """
        shares = ", ".join(f"if(kind = '{kind}', share, NULL) AS {kind}_share" for kind in _KINDS)
        sql = (
            f"WITH kept AS (SELECT {_DELIVERY} AS delivery, any_value(_file) AS _file, count(*) AS n "
            f"FROM {self._relation(source)} GROUP BY ALL), "
            f'reasons AS (SELECT {_DELIVERY} AS delivery, any_value(_file) AS _file, reason, "column", count(*) AS n, '
            f"array_to_string(list(row ORDER BY row)[:{MOST_LINES}], ' ') AS lines "
            f'FROM {self._relation(quarantine, _NO_QUARANTINE)} GROUP BY delivery, reason, "column"), '
            "refused AS (SELECT delivery, sum(n) AS n FROM reasons GROUP BY delivery) "
            'SELECT delivery, coalesce(kept._file, reasons._file) AS _file, reason, "column", lines, '
            f"{_KIND} AS kind, reasons.n / (coalesce(kept.n, 0) + refused.n) AS share, {shares} "
            "FROM kept FULL JOIN reasons USING (delivery) LEFT JOIN refused USING (delivery) ORDER BY ALL"
        )
        return self._frame(sql)

    def rows(
        self, source: Source, columns: Sequence[str], unique: Sequence[str], plan: Sequence[Expect], most: int
    ) -> RowFrame:
        """`columns` of the rows; of more than `most` a sample by the hash of `unique`, and offenders beside it.

        A sample by hash is the same each time and keeps rows with equal keys together. An offender breaks a rule of
        `plan` that allows no exception, so however rare it is, it is found.
        """
        relation, rows = self._relation(source), self.count(source)
        known = self.schema(source)
        picked = ", ".join(_projection(column, known) for column in columns)
        if rows <= most:
            return RowFrame(self._frame(f"SELECT {picked} FROM {relation}"), rows)
        grain = ", ".join(_expression(column, known) for column in unique) or "1"
        sampled = f"hash({grain}) % {-(-rows // most)} = 0"
        offends = " OR ".join([*_offences(plan, known), self._repeats(relation, rows, grain, plan)])
        sql = (
            f"SELECT {picked} FROM {relation} WHERE {sampled} "
            f"UNION ALL (SELECT {picked} FROM {relation} WHERE NOT ({sampled}) AND ({offends}) LIMIT {MOST_OFFENDERS})"
        )
        return RowFrame(self._frame(sql), rows)

    def _repeats(self, relation: str, rows: int, grain: str, plan: Sequence[Expect]) -> str:
        if grain == "1" or rows > MOST_KEYS_COMPARED or not any(expect.name in _UNIQUE for expect in plan):
            return "false"
        hashes = f"SELECT hash({grain}) AS h FROM {relation}"
        return f"hash({grain}) IN (SELECT h FROM ({hashes}) GROUP BY h HAVING count(*) > 1 LIMIT {MOST_OFFENDERS})"

    def _relation(self, source: Source, empty: str = _NO_ROWS) -> str:
        if isinstance(source, Held):
            self._connection.register("held", source)
            return "held"
        if not source:
            return empty
        files = ", ".join(literal(str(path)) for path in source)
        return f"read_parquet([{files}], union_by_name = true, filename = true)"

    def _fetch(self, sql: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._connection.execute(sql).fetchall()
        return rows

    def _frame(self, sql: str) -> pd.DataFrame:
        frame: pd.DataFrame = self._connection.execute(sql).df()
        return frame


_DELIVERY = "parse_filename(filename, true)"
_UNIQUE = {"expect_compound_columns_to_be_unique", "expect_column_values_to_be_unique"}


def _projection(column: str, known: dict[str, str]) -> str:
    return f"{_expression(column, known)} AS {quoted(column)}"


def _expression(column: str, known: dict[str, str]) -> str:
    if column in known:
        return quoted(column)
    if column == "delivery":
        return _DELIVERY
    path = '$."' + column.removeprefix("attributes.").replace('"', "") + '"'
    return f"json_extract_string(attributes, {literal(path)})"


def available(column: str, known: dict[str, str]) -> bool:
    """Whether `column` can be read from a table with these columns."""
    return column in known or column == "delivery" or (column.startswith("attributes.") and "attributes" in known)


def _offences(plan: Sequence[Expect], known: dict[str, str]) -> list[str]:
    exact = [
        e for e in plan if e.frame is Frame.ROWS and e.kwargs.get("mostly", 1) == 1 and set(e.columns) <= set(known)
    ]
    return [sql for expect in exact if (sql := _offence(expect))]


def _offence(expect: Expect) -> str:
    kwargs, column = expect.kwargs, quoted(expect.columns[0]) if expect.columns else ""
    match expect.name:
        case "expect_column_values_to_not_be_null":
            return f"{column} IS NULL"
        case "expect_column_values_to_be_between" if not expect.place:
            bounds = [
                f"{column} {sign} {kwargs[name]}"
                for name, sign in (("min_value", "<"), ("max_value", ">"))
                if name in kwargs
            ]
            return f"({' OR '.join(bounds)})" if bounds else ""
        case "expect_column_values_to_be_in_set" if not expect.place:
            return f"{column} NOT IN ({', '.join(literal(str(value)) for value in kwargs['value_set'])})"
        case "expect_column_pair_values_a_to_be_greater_than_b" if not expect.place:
            high, low = quoted(kwargs["column_A"]), quoted(kwargs["column_B"])
            among = "" if expect.floor is None else f" AND {high} >= {expect.floor}"
            return f"({high} < {low}{among})"
    return ""
