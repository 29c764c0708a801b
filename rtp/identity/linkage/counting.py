"""One number out of a query."""

import duckdb


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The first value of the only row, 0 where it is NULL; reads the result to its end, as DuckDB asks."""
    rows = connection.execute(query).fetchall()
    return int(rows[0][0] or 0) if rows else 0
