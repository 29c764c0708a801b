"""The shape of a feed table as SQL, for empty files and for reading them back."""

from rtp.signals.feeds.contracts import PROVENANCE, TableContract


def quoted(name: str) -> str:
    """A name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def columns_and_types(table: TableContract) -> list[tuple[str, str]]:
    """Names and DuckDB types of a feed file's columns, in their order."""
    return [(column.name, column.kind.sql_type) for column in table.columns] + list(PROVENANCE)


def empty_select(columns: list[tuple[str, str]]) -> str:
    """A query with these columns and no rows."""
    parts = ", ".join(f"CAST(NULL AS {sql_type}) AS {quoted(name)}" for name, sql_type in columns)
    return f"SELECT {parts} WHERE false"
