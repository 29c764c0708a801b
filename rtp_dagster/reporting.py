"""Facts as Dagster metadata."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg

from rtp.stores.lake_facts import FolderFacts

ROWS = "dagster/row_count"
SCHEMA = "dagster/column_schema"


def facts_metadata(facts: FolderFacts, folder: Path) -> dict[str, Any]:
    """Rows, files, size, newest file and columns of a folder."""
    metadata: dict[str, Any] = {
        ROWS: facts.rows,
        "files": facts.files,
        "size (MiB)": round(facts.size_bytes / 2**20, 2),
        "folder": dg.MetadataValue.path(folder),
        SCHEMA: column_schema(facts.columns),
    }
    return metadata | timestamp_metadata("newest file", facts.newest)


def timestamp_metadata(name: str, moment: datetime | None) -> dict[str, Any]:
    """A moment, or nothing where there is none."""
    return {name: dg.MetadataValue.timestamp(moment)} if moment else {}


def column_schema(
    columns: Iterable[tuple[str, str]], about: Mapping[str, str] | None = None
) -> dg.TableSchemaMetadataValue:
    """Columns with their types and what they mean."""
    meanings = about or {}
    return dg.MetadataValue.table_schema(
        dg.TableSchema(
            columns=[dg.TableColumn(name=name, type=kind, description=meanings.get(name)) for name, kind in columns]
        )
    )


def table(rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue | dg.TextMetadataValue:
    """Rows as a table in the UI; Dagster refuses one without columns, so none is said in words."""
    records = [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows]
    return dg.MetadataValue.table(records) if records else dg.MetadataValue.text("none")


def _cell(value: Any) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)
