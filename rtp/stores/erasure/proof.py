"""The proof: no byte of the state names the person, neither as stored nor as unpacked."""

import mmap
from collections.abc import Iterator
from pathlib import Path

from rtp.profile.erasure import Subject
from rtp.settings import Settings
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.erasure.files import files_below
from rtp.stores.erasure.lake import parquet_files, prepared
from rtp.stores.erasure.rows import cleaning, register
from rtp.stores.erasure.warehouse import tables_of
from rtp.stores.warehouse import connect


class RawScan:
    """Looks through every file below the state's folder; the caller holds its locks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __call__(self, subject: Subject) -> list[str]:
        """Files and tables, relative to the state's folder, in which something about the person is left."""
        return sorted(set(self._found(subject)))

    def _found(self, subject: Subject) -> Iterator[str]:
        root = self._settings.state_dir
        traces = [each.encode() for each in subject.traces]
        for path in files_below(root):
            if _holds(path, traces):
                yield str(path.relative_to(root))
        with prepared(subject) as connection:
            for path in parquet_files(self._settings.lake_dir):
                relation = f"read_parquet({literal(str(path))}, hive_partitioning = false)"
                if cleaning(connection, relation, subject):
                    yield str(path.relative_to(root))
        if self._settings.warehouse_path.exists():
            with connect(self._settings) as connection:
                register(connection, subject)
                yield from (name for name in tables_of(connection) if cleaning(connection, name, subject))


def _holds(path: Path, traces: list[bytes]) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(trace) >= 0 for trace in traces)
