"""What came in of one table since the last acceptance: the files that can be read, and the facts about each."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec
import pandas as pd

from rtp.quality.frames import Reader, Source
from rtp.quality.ports import FeedFiles
from rtp.quality.suite import TableSuite
from rtp.signals.feeds import CONTRACTS
from rtp.signals.feeds.schema_sql import columns_and_types


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The data to look at: `incoming` row by row, `whole` for figures about all of the table."""

    incoming: Source
    whole: Source
    columns: pd.DataFrame | None = None
    """One row per new file and column of the contract: the type expected and found."""
    refused: pd.DataFrame | None = None
    """One row per new file and reason for which rows of it were refused."""
    published: int | None = None
    """Rows of the version that is being served."""

    def table_frame(self, reader: Reader, suite: TableSuite, now: datetime) -> pd.DataFrame:
        """One row of exact figures about the whole table."""
        rows = reader.count(self.whole) if len(self.whole) else 0
        aged = suite.time and rows and suite.time in reader.schema(self.whole)
        hours = reader.hours_since_newest(self.whole, suite.time, now) if aged else None
        kept = rows / self.published if self.published else None
        return pd.DataFrame(
            {"table": [suite.table], "rows": [rows], "hours_since_newest": [hours], "rows_kept": [kept]}
        ).astype({"hours_since_newest": float, "rows_kept": float})


def examine(reader: Reader, files: FeedFiles, known: set[str], suite: TableSuite) -> Delivery:
    """Splits off the files named in `known`; a file with a wrong column takes part in the type check only."""
    new = [path for path in files.files if path.name not in known]
    refused = [path for path in files.quarantine if path.name not in known]
    columns = _columns(reader, new, suite.table)
    wrong = set(columns.loc[columns["expected"] != columns["found"], "delivery"])
    sound = [path for path in new if path.stem not in wrong]
    return Delivery(
        incoming=tuple(sound),
        whole=tuple(path for path in files.files if path.stem not in wrong),
        columns=columns,
        refused=reader.refused(tuple(sound), tuple(refused)) if sound or refused else None,
    )


def _columns(reader: Reader, files: Sequence[Path], table: str) -> pd.DataFrame:
    expected = dict(columns_and_types(CONTRACTS[table]))
    rows = []
    for path in files:
        found = _types(reader, path)
        name = _source_name(reader, path) if "_file" in found else path.name
        rows += [
            (name, path.stem, column, kind, found.get(column, found.get("", "missing")))
            for column, kind in expected.items()
        ]
    return pd.DataFrame(rows, columns=["_file", "delivery", "column", "expected", "found"], dtype=str)


def _types(reader: Reader, path: Path) -> dict[str, str]:
    try:
        return reader.schema((path,))
    except duckdb.Error:
        return {"": "not a Parquet file"}


def _source_name(reader: Reader, path: Path) -> str:
    return reader.source_name(path) or path.name
