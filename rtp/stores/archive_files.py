"""The archive's files: each batch one Parquet file per day received, written once and never changed under its name."""

from collections import defaultdict
from collections.abc import Sequence
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


def days_to_compact(lake: Lake, stream: str) -> list[Path]:
    """Folders that hold more small files than a reader should have to open."""
    folders = [day_folder(lake.archive(stream), day) for day in archived_days(lake.archive(stream))]
    return [folder for folder in folders if len(_small_files(folder)) > MOST_SMALL_FILES]


def compact_day(folder: Path) -> int:
    """Makes one file of a day's small ones; returns how many those were.

    For a moment rows are in two files, and then files disappear: hold the warehouse's lock, so that no build reads
    meanwhile. A crash in between is finished by the next call.
    """
    _drop_compacted(folder)
    small = _small_files(folder)
    if len(small) < 2:
        return 0
    table = pa.concat_tables([pq.read_table(path) for path in small], promote_options="default")
    sources = "\n".join(path.name for path in small)
    _write(folder / f"{COMPACTED}{small[0].stem}-{small[-1].stem}.parquet", table, {_SOURCES: sources.encode()})
    _drop_compacted(folder)
    return len(small)


def _small_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[!._]*.parquet") if not path.name.startswith(COMPACTED))


def _drop_compacted(folder: Path) -> None:
    for path in folder.glob(f"{COMPACTED}*.parquet"):
        metadata = pq.read_schema(path).metadata or {}
        for name in metadata.get(_SOURCES, b"").decode().split("\n"):
            if name:
                (folder / name).unlink(missing_ok=True)


def _write(path: Path, table: pa.Table, metadata: dict[bytes, bytes] | None = None) -> None:
    with appearing(path) as aside:
        pq.write_table(table.replace_schema_metadata(metadata), aside, compression="zstd")
