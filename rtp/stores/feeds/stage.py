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

FEED_FORMAT = "FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2"
"""Version 2 halves the files: line numbers and dates are stored as differences."""
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
    try:
        flaws = _find_flaws(work)
        if flaws or work.relation.unreadable:
            _write_quarantine(work, target.quarantine)
        else:
            target.quarantine.unlink(missing_ok=True)
        with appearing(target.feed) as aside:
            work.connection.execute(f"COPY ({_good(work, flaws)}) TO {literal(str(aside))} ({FEED_FORMAT})")
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException) as error:
        raise unreadable(work.file.path, str(error).splitlines()[0]) from error


def _checked(work: Pass) -> str:
    relation = work.relation
    return checked_rows(
        work.table, relation.sql, relation.columns, shift_days=work.shift_days, garbled=relation.garbled
    )


def _find_flaws(work: Pass) -> bool:
    """Whether any row has a problem or a later row of the same keys; the lines of the latter go to `superseded`.

    One pass over the hashes of the keys, where a bad row has none; only where one of them repeats, a second pass.
    """
    connection, keys = work.connection, ", ".join(quoted(key) for key in work.table.keys)
    hashes = f"SELECT CASE WHEN {PROBLEM} IS NULL THEN hash({keys}) END AS h FROM ({_checked(work)})"
    _keep(connection, "repeated", f"SELECT h FROM ({hashes}) GROUP BY h HAVING count(*) > 1 OR h IS NULL")
    bad, repeated = connection.execute("SELECT count(*) FILTER (h IS NULL), count(h) FROM repeated").fetchall()[0]
    superseded = (
        f"SELECT {ROW} FROM ({_checked(work)}) WHERE {PROBLEM} IS NULL AND hash({keys}) IN (SELECT h FROM repeated) "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {ROW} DESC) > 1"
    )
    _keep(connection, "superseded", superseded if repeated else f"SELECT CAST(NULL AS BIGINT) AS {ROW} WHERE false")
    return bool(bad or repeated)


def _keep(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute(f"CREATE TEMP TABLE {name} AS {query}")


def _good(work: Pass, flaws: bool) -> str:
    file = work.file
    names = [column.name for column in work.table.columns] + own_columns(work.table, work.relation.columns)
    made_up = literal(file.simulated_columns) if file.simulated_columns else "NULL"
    provenance = (
        f"{literal(file.name)} AS _file, {ROW}, {_moment(work.loaded_at)} AS _loaded_at, "
        f"{str(file.simulated).lower()} AS _simulated, CAST({made_up} AS VARCHAR) AS _simulated_columns"
    )
    kept = ", ".join(quoted(name) for name in names)
    rows = f"SELECT {kept}, {provenance} FROM ({_checked(work)})"
    return f"{rows} WHERE {PROBLEM} IS NULL AND {ROW} NOT IN (SELECT {ROW} FROM superseded)" if flaws else rows


def _write_quarantine(work: Pass, path: Path) -> None:
    lines = pa.table(
        {
            "row": pa.array([line for line, _ in work.relation.unreadable], pa.int64()),
            "raw": pa.array([text[:LONGEST_RAW] for _, text in work.relation.unreadable], pa.string()),
        }
    )
    work.connection.register("unreadable_lines", lines)
    with appearing(path) as aside:
        ordered = f"SELECT * FROM ({_refused(work)}) ORDER BY row"
        work.connection.execute(f"COPY ({ordered}) TO {literal(str(aside))} ({FEED_FORMAT})")


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
