"""Erasing out of the DuckDB file. What DuckDB deletes stays in the file's free pages: so the file is copied anew."""

from pathlib import Path

import duckdb

from rtp.profile.erasure import Subject
from rtp.settings import Settings
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.erasure.rows import cleaning, register
from rtp.stores.warehouse import connect

_TABLES = """
select schema_name, table_name from duckdb_tables()
where not internal and not temporary and database_name = current_database()
order by 1, 2
"""


class WarehouseFile:
    """A Place: all tables of the warehouse. Waits for a build that has the file open."""

    name = "warehouse"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def erase(self, subject: Subject) -> int:
        """See Place."""
        path = self._settings.warehouse_path
        if not path.exists():
            return 0
        with connect(self._settings, read_only=False) as connection:
            register(connection, subject)
            found = sum(_clean(connection, name, subject) for name in tables_of(connection))
            aside = path.with_name(f"{path.name}.aside")
            if found:
                _copy(connection, aside)
        # The lock is only re-entered: the caller holds it, so that nobody opens the file between the two.
        if found:
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
            aside.replace(path)
        return found


def tables_of(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """All stored tables, quoted for SQL."""
    return [f'"{schema}"."{name}"' for schema, name in connection.execute(_TABLES).fetchall()]


def _clean(connection: duckdb.DuckDBPyConnection, table: str, subject: Subject) -> int:
    work = cleaning(connection, table, subject)
    if work is None:
        return 0
    connection.execute(f"delete from {table} where {work.gone}")
    if work.replaced:
        changes = ", ".join(f'"{name}" = {expression}' for name, expression in work.replaced.items())
        connection.execute(f"update {table} set {changes} where {work.found}")
    return work.rows


def _copy(connection: duckdb.DuckDBPyConnection, aside: Path) -> None:
    aside.unlink(missing_ok=True)
    row = connection.execute("select current_database()").fetchone()
    connection.execute(f"attach {literal(str(aside))} as erased_copy")
    connection.execute(f'copy from database "{row[0] if row else ""}" to erased_copy')
    connection.execute("detach erased_copy")
