"""What lies in a folder of the lake, read from Parquet footers: no row is touched."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

DAY_PREFIX = "received_date="


class FolderFacts(msgspec.Struct, frozen=True):
    """Files and rows of a folder; `version` changes when and only when the set of files does."""

    files: int
    rows: int
    size_bytes: int
    newest: datetime | None
    """When the newest file appeared; None for a folder without data."""
    version: str
    columns: tuple[tuple[str, str], ...] = ()
    """Names and Parquet types."""


def folder_facts(folder: Path) -> FolderFacts:
    """Facts about all data files below a folder, however deep; an absent folder is an empty one."""
    from pyarrow import parquet

    found = data_files(folder)
    rows = sum(parquet.read_metadata(path).num_rows for path in found)
    stats = [path.stat() for path in found]
    schema = parquet.read_schema(found[-1]) if found else None
    return FolderFacts(
        files=len(found),
        rows=rows,
        size_bytes=sum(stat.st_size for stat in stats),
        newest=datetime.fromtimestamp(max(stat.st_mtime for stat in stats), tz=UTC) if stats else None,
        version=folder_version(folder),
        columns=tuple((field.name, str(field.type)) for field in schema) if schema is not None else (),
    )


def folder_version(folder: Path) -> str:
    """A fingerprint of which data files there are; files of the lake never change under their name."""
    return _fingerprint(str(path.relative_to(folder)) for path in data_files(folder))


def archived_days(folder: Path) -> list[date]:
    """The days received that an archived stream has files of, in order."""
    names = (path.name.removeprefix(DAY_PREFIX) for path in folder.glob(f"{DAY_PREFIX}*") if data_files(path))
    return sorted(date.fromisoformat(name) for name in names)


def day_folder(folder: Path, day: date) -> Path:
    """Where an archived stream keeps one day received."""
    return folder / f"{DAY_PREFIX}{day.isoformat()}"


def data_files(folder: Path) -> list[Path]:
    """Parquet files below a folder, in order; names that start with "_" or "." hold no data."""
    return sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith(("_", ".")))


def _fingerprint(names: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()[:16]


def first_day_of(folder: Path, column: str) -> date | None:
    """The first UTC day in a column, from Parquet statistics; None where no file has any."""
    from pyarrow import parquet

    days = [
        statistics.min.astimezone(UTC).date()
        for path in data_files(folder)
        for statistics in _statistics(parquet.read_metadata(path), column)
    ]
    return min(days, default=None)


def _statistics(metadata: Any, column: str) -> Iterator[Any]:
    names = metadata.schema.names
    if column not in names:
        return
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(names.index(column)).statistics
        if statistics is not None and statistics.has_min_max:
            yield statistics
