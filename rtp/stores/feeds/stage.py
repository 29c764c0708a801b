"""One file through its contract: good rows into a feed file, refused ones into a quarantine file, both aside."""

from datetime import datetime
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from rtp.signals.feeds import TableContract, contract
from rtp.signals.feeds.check_sql import PROBLEM, ROW, checked_rows, own_columns
from rtp.signals.feeds.schema_sql import literal, quoted
from rtp.stores.feeds.files import FeedFile, unreadable
from rtp.stores.feeds.relation import Relation
from rtp.stores.lake import appearing

LONGEST_RAW = 20_000
"""A refused row is kept up to this many characters."""


class Target(msgspec.Struct, frozen=True):
    """Where the rows of one file go."""

    feed: Path
    quarantine: Path


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One file on its way."""

    connection: duckdb.DuckDBPyConnection
    file: FeedFile
    relation: Relation
    loaded_at: datetime
    shift_days: int = 0

    @property
    def table(self) -> TableContract:
        """The contract it must meet."""
        return contract(self.file.table)


def write_checked(work: Pass, target: Target) -> None:
    """Writes the quarantine file (if any row is refused) and then the feed file; a row is in exactly one of them."""
    connection = work.connection
    try:
        connection.execute("DROP TABLE IF EXISTS superseded")
        connection.execute(f"CREATE TEMP TABLE superseded AS {_superseded(work)}")
        _write_quarantine(work, target.quarantine)
        with appearing(target.feed) as aside:
            connection.execute(f"COPY ({_good(work)}) TO {literal(str(aside))} (FORMAT parquet, COMPRESSION zstd)")
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException) as error:
        raise unreadable(work.file.path, str(error).splitlines()[0]) from error


def _checked(work: Pass) -> str:
    relation = work.relation
    return checked_rows(
        work.table, relation.sql, relation.columns, shift_days=work.shift_days, garbled=relation.garbled
    )


def _superseded(work: Pass) -> str:
    """The lines of good rows that a later good row of the same keys replaces. Cheap where there are none."""
    keys = ", ".join(quoted(key) for key in work.table.keys)
    hashes = f"SELECT hash({keys}) AS h FROM ({_checked(work)}) WHERE {PROBLEM} IS NULL"
    work.connection.execute("DROP TABLE IF EXISTS repeated")
    work.connection.execute(f"CREATE TEMP TABLE repeated AS SELECT h FROM ({hashes}) GROUP BY h HAVING count(*) > 1")
    if not work.connection.execute("SELECT count(*) FROM repeated").fetchall()[0][0]:
        return f"SELECT CAST(NULL AS BIGINT) AS {ROW} WHERE false"
    return (
        f"SELECT {ROW} FROM ({_checked(work)}) WHERE {PROBLEM} IS NULL AND hash({keys}) IN (SELECT h FROM repeated) "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {ROW} DESC) > 1"
    )


def _good(work: Pass) -> str:
    file = work.file
    names = [column.name for column in work.table.columns] + own_columns(work.table, work.relation.columns)
    made_up = literal(file.simulated_columns) if file.simulated_columns else "NULL"
    provenance = (
        f"{literal(file.name)} AS _file, {ROW}, {_moment(work.loaded_at)} AS _loaded_at, "
        f"{str(file.simulated).lower()} AS _simulated, CAST({made_up} AS VARCHAR) AS _simulated_columns"
    )
    kept = ", ".join(quoted(name) for name in names)
    return (
        f"SELECT {kept}, {provenance} FROM ({_checked(work)}) "
        f"WHERE {PROBLEM} IS NULL AND {ROW} NOT IN (SELECT {ROW} FROM superseded)"
    )


def _write_quarantine(work: Pass, path: Path) -> None:
    lines = pa.table(
        {
            "row": pa.array([line for line, _ in work.relation.unreadable], pa.int64()),
            "raw": pa.array([text[:LONGEST_RAW] for _, text in work.relation.unreadable], pa.string()),
        }
    )
    work.connection.register("unreadable_lines", lines)
    work.connection.execute("DROP TABLE IF EXISTS refused")
    work.connection.execute(f"CREATE TEMP TABLE refused AS {_refused(work)}")
    if work.connection.execute("SELECT count(*) FROM refused").fetchall()[0][0]:
        with appearing(path) as aside:
            ordered = "SELECT * FROM refused ORDER BY row"
            work.connection.execute(f"COPY ({ordered}) TO {literal(str(aside))} (FORMAT parquet, COMPRESSION zstd)")
    else:
        path.unlink(missing_ok=True)


def _refused(work: Pass) -> str:
    keys = " ".join(work.table.keys)
    verdicts = (
        f"SELECT {ROW}, {PROBLEM} AS verdict FROM ({_checked(work)}) WHERE {PROBLEM} IS NOT NULL "
        f"UNION ALL SELECT {ROW}, {literal('DUPLICATE_KEY:' + keys)} FROM superseded"
    )
    origin = f"{literal(work.file.name)} AS _file, {_moment(work.loaded_at)} AS _loaded_at"
    rows = (
        f"SELECT v.{ROW} AS row, split_part(v.verdict, ':', 1) AS reason, "
        f"nullif(split_part(v.verdict, ':', 2), '') AS \"column\", "
        f"substr(CAST(to_json(s) AS VARCHAR), 1, {LONGEST_RAW}) AS raw, {origin} "
        f"FROM ({verdicts}) v JOIN {work.relation.sql} s ON s.{ROW} = v.{ROW}"
    )
    unread = f"SELECT row, 'UNREADABLE_LINE', NULL, raw, {origin} FROM unreadable_lines"
    return f"{rows} UNION ALL {unread}"


def _moment(at: datetime) -> str:
    return f"TIMESTAMPTZ {literal(at.isoformat())}"
