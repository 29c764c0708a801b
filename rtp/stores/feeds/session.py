"""The DuckDB in memory that feed files go through: UTC, little memory, spilling to a folder of the lake."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from rtp.signals.feeds.schema_sql import literal

MEMORY_LIMIT = "1200MB"
"""DuckDB's own share; with its unaccounted allocations and Python a load stays below 2 GiB."""


@contextmanager
def feed_session(spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads times without a zone as UTC and never opens the warehouse file."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET enable_progress_bar = false")
        if spill is not None:
            connection.execute(f"SET temp_directory = {literal(str(spill))}")
        yield connection
