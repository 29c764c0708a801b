"""Empty files with the right columns, so that a reader of `feeds/<table>/*.parquet` always finds at least one."""

from pathlib import Path

import duckdb

from rtp.signals.feeds import CONTRACTS
from rtp.signals.feeds.schema_sql import columns_and_types, empty_select, literal
from rtp.stores.feeds.session import feed_session
from rtp.stores.lake import Lake, appearing

SCHEMA_FILE = "_schema.parquet"

QUARANTINE_COLUMNS = [
    ("row", "BIGINT"),
    ("reason", "VARCHAR"),
    ("column", "VARCHAR"),
    ("raw", "VARCHAR"),
    ("_file", "VARCHAR"),
    ("_loaded_at", "TIMESTAMP WITH TIME ZONE"),
]
"""One row per refused row: its line, why, which column, and the row itself as JSON or as it was read."""


def prepare_lake(lake: Lake) -> None:
    """Writes the zero-row `_schema.parquet` of every feed and quarantine folder; what is there and right stays."""
    with feed_session() as connection:
        for table in CONTRACTS.values():
            write_schema(connection, lake.feed(table.name), columns_and_types(table))
            write_schema(connection, lake.quarantine(table.name), QUARANTINE_COLUMNS)


def write_schema(connection: duckdb.DuckDBPyConnection, folder: Path, columns: list[tuple[str, str]]) -> None:
    """Writes one folder's zero-row file, unless one with the same columns is there."""
    path = folder / SCHEMA_FILE
    if path.exists() and _shape(connection, path) == columns:
        return
    with appearing(path) as aside:
        connection.execute(f"COPY ({empty_select(columns)}) TO {literal(str(aside))} (FORMAT parquet)")


def _shape(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(path))})").fetchall()
    return [(str(row[0]), str(row[1])) for row in rows]
