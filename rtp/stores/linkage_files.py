"""Files of people, in and out of the linkage."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np

from rtp.errors import Rejected
from rtp.identity.linkage.splinking import probability
from rtp.identity.linkage.table import LinkedTable
from rtp.signals.feeds.schema_sql import literal, quoted
from rtp.stores.lake import appearing

TABLE = "linkage_input"
CUSTOMER = "customer_number"
"""The column that is added: records of one person have the same number, that of the first of them."""


def read_people(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> list[str]:
    """Makes TABLE of CSV and Parquet files, all values as text; gives the names of their columns.

    `_record` numbers the rows through all files, from 0; `_file` says which file a row is from. Raises Rejected for
    files that cannot be read.
    """
    parts = [f"SELECT {literal(file.name)} AS _file, * FROM {_reading(file)}" for file in files]
    try:
        rows = connection.sql(" UNION ALL BY NAME ".join(parts))
        named = [name for name in rows.columns if name != "_file"]
        values = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name.strip())}" for name in named)
        rows.create("linkage_rows")
        connection.execute(
            f"CREATE TABLE {TABLE} AS SELECT row_number() OVER () - 1 AS _record, _file, {values} FROM linkage_rows"
        ).fetchall()
    except duckdb.Error as error:
        names = ", ".join(str(file) for file in files)
        raise Rejected(
            f"{names} cannot be read: {error}", reason="UNREADABLE_FILE",
            hint="Give CSV files with a header, or Parquet files.",
        ) from error  # fmt: skip
    return [name.strip() for name in named]


def _reading(file: Path) -> str:
    if file.suffix == ".parquet":
        return f"read_parquet({literal(str(file))})"
    return f"read_csv({literal(str(file))}, header = true, all_varchar = true)"


def write_people(connection: duckdb.DuckDBPyConnection, linked: LinkedTable, out: Path) -> None:
    """The rows that were read, each with its CUSTOMER, as Parquet or CSV by the file's name."""
    labels = linked.linkage.clusters.labels
    connection.register("linkage_label", {"_record": np.arange(len(labels)), CUSTOMER: labels})
    query = f"SELECT * FROM {TABLE} JOIN linkage_label USING (_record) ORDER BY _record"
    _copy(connection, query, out)
    connection.unregister("linkage_label")


def write_pairs(connection: duckdb.DuckDBPyConnection, linked: LinkedTable, out: Path) -> None:
    """The pairs that were linked or held back, with their weights and the reasons."""
    links, held = linked.linkage.links, linked.linkage.clusters.held
    weight = np.concatenate([links.weight, [each.weight for each in held]])
    pairs = {
        "left_record": np.concatenate([links.left, [each.left for each in held]]).astype(np.int64),
        "right_record": np.concatenate([links.right, [each.right for each in held]]).astype(np.int64),
        "match_weight": weight,
        "match_probability": probability(weight),
        "held_back": np.array([""] * len(links) + [str(each.reason) for each in held], dtype=object),
    }
    connection.register("linkage_links", pairs)
    _copy(connection, "SELECT * FROM linkage_links ORDER BY left_record, right_record", out)
    connection.unregister("linkage_links")


def _copy(connection: duckdb.DuckDBPyConnection, query: str, out: Path) -> None:
    kind = "FORMAT parquet" if out.suffix == ".parquet" else "FORMAT csv, HEADER"
    with appearing(out) as aside:
        connection.execute(f"COPY ({query}) TO {literal(str(aside))} ({kind})").fetchall()
