"""The archive's files: each batch one Parquet file per day received, written once and never changed under its name."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rtp.clock import from_micros
from rtp.stores.archive_rows import ArchivedRow
from rtp.stores.archive_schema import ARCHIVES
from rtp.stores.lake import Lake, appearing
from rtp.stores.lake_facts import archived_days, day_folder

TYPES = {
    "VARCHAR": pa.string(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
    "BLOB": pa.binary(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
}
MOST_SMALL_FILES = 50
COMPACTED = "compacted-"
ROW_GROUP = 100_000
LATE = 3_600_000_000
"""Microseconds after midnight until a day counts as over: its last events are archived by then."""
_SOURCES = b"rtp.sources"


def archive_schema(stream: str) -> pa.Schema:
    """The columns of an archived stream, as Parquet types."""
    return pa.schema([(name, TYPES[kind]) for name, kind in ARCHIVES[stream]])


def write_batch(lake: Lake, stream: str, name: str, rows: Sequence[ArchivedRow]) -> list[Path]:
    """Writes rows as `<name>.parquet` of their days; the same batch again replaces the same files by the same."""
    by_day: dict[date, list[ArchivedRow]] = defaultdict(list)
    for row in rows:
        by_day[from_micros(row.received_at).date()].append(row)
    paths = []
    for day, some in sorted(by_day.items()):
        path = day_folder(lake.archive(stream), day) / f"{name}.parquet"
        _write(path, pa.Table.from_pylist([row.values for row in some], schema=archive_schema(stream)))
        paths.append(path)
    return paths


def days_to_compact(lake: Lake, stream: str, now: int) -> list[tuple[Path, bool]]:
    """Folders that hold more files than a reader should have to open, and whether their day is over at `now` (µs).

    Of a day that is over all files become one, of today only the small ones. A late file makes its day due once more.
    """
    due = []
    for day in archived_days(lake.archive(stream)):
        folder, over = day_folder(lake.archive(stream), day), _is_over(day, now)
        if len(_files(folder) if over else _small_files(folder)) > (1 if over else MOST_SMALL_FILES):
            due.append((folder, over))
    return due


def compact_day(folder: Path, *, over: bool = False) -> int:
    """Makes one file of a day's small ones, of a day that is `over` one of all; returns how many those were.

    For a moment rows are in two files, and then files disappear: hold the warehouse's lock, so that no build reads
    meanwhile. A crash in between is finished by the next call. Takes as much memory as one file and one row group.
    """
    _drop_compacted(folder)
    sources = _files(folder) if over else _small_files(folder)
    if len(sources) < 2:
        return 0
    names = "\n".join(path.name for path in sources)
    digest = hashlib.blake2b(names.encode(), digest_size=8).hexdigest()
    schema = pa.unify_schemas([pq.read_schema(path).remove_metadata() for path in sources])
    with (
        appearing(folder / f"{COMPACTED}{digest}.parquet") as aside,
        pq.ParquetWriter(aside, schema.with_metadata({_SOURCES: names.encode()}), compression="zstd") as writer,
    ):
        for table in _row_groups(sources, schema):
            writer.write_table(table)
    _drop_compacted(folder)
    return len(sources)


def _row_groups(sources: Sequence[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows of all sources in groups that a reader is well served with; columns that one lacks are null there."""
    waiting = [schema.empty_table()]
    for path in sources:
        waiting.append(pq.read_table(path, partitioning=None).replace_schema_metadata(None))
        if sum(table.num_rows for table in waiting) >= ROW_GROUP:
            yield pa.concat_tables(waiting, promote_options="default")
            waiting = [schema.empty_table()]
    yield pa.concat_tables(waiting, promote_options="default")


def _is_over(day: date, now: int) -> bool:
    return from_micros(now - LATE).date() > day


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!._]*.parquet"))


def _small_files(folder: Path) -> list[Path]:
    return [path for path in _files(folder) if not path.name.startswith(COMPACTED)]


def _drop_compacted(folder: Path) -> None:
    """Removes what lies in a compacted file already, also where a crash left it."""
    for path in _files(folder):
        if path.name.startswith(COMPACTED) and path.exists():
            metadata = pq.read_schema(path).metadata or {}
            for name in metadata.get(_SOURCES, b"").decode().split("\n"):
                if name:
                    (folder / name).unlink(missing_ok=True)


def _write(path: Path, table: pa.Table) -> None:
    with appearing(path) as aside:
        pq.write_table(table, aside, compression="zstd")
