"""Erasing out of the Parquet lake: files that hold something are written anew beside themselves and swapped in."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from rtp.profile.erasure import Subject
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.erasure.rows import cleaning, register
from rtp.stores.feeds.session import feed_session
from rtp.stores.lake import Lake, appearing


class LakeFiles:
    """A Place: every Parquet file below one folder of the lake.

    The caller holds the lake's locks. As these are a thread's own, the work is done in the caller's thread: nothing
    else is served by a process that erases.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder

    async def erase(self, subject: Subject) -> int:
        """See Place."""
        return self.clean(subject)

    def clean(self, subject: Subject) -> int:
        """The same, for who does not wait for anything else."""
        with prepared(subject) as connection:
            return sum(_clean(connection, path, subject) for path in parquet_files(self._folder))


class Leftovers:
    """A Place: what a load or a replay that was killed has left; neither runs while the caller holds their locks."""

    name = "lake/leftovers"

    def __init__(self, lake: Lake) -> None:
        self._folders = (lake.incoming, lake.replaying)

    async def erase(self, _subject: Subject) -> int:
        """See Place; what they held is made again by doing the same again."""
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        return 0


def lake_places(lake: Lake) -> list[LakeFiles]:
    """One place for each kind of files in the lake."""
    folders = sorted(path for path in lake.root.iterdir() if path.is_dir() and not path.is_symlink())
    return [LakeFiles(f"lake/{folder.name}", folder) for folder in folders]


def parquet_files(folder: Path) -> list[Path]:
    """All Parquet files below a folder, except the empty ones that only say what columns there are."""
    return [path for path in sorted(folder.rglob("*.parquet")) if path.name != "_schema.parquet" and path.is_file()]


@contextmanager
def prepared(subject: Subject) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that knows the subject."""
    with feed_session() as connection:
        register(connection, subject)
        yield connection


def _clean(connection: duckdb.DuckDBPyConnection, path: Path, subject: Subject) -> int:
    relation = f"read_parquet({literal(str(path))}, hive_partitioning = false)"
    work = cleaning(connection, relation, subject)
    if work is None:
        return 0
    replaced = ", ".join(f'{expression} as "{name}"' for name, expression in work.replaced.items())
    chosen = f"* replace ({replaced})" if replaced else "*"
    with appearing(path) as aside:
        connection.execute(
            f"copy (select {chosen} from {relation} where not ({work.gone})) to {literal(str(aside))} "
            "(format parquet, compression zstd)"
        )
    return work.rows
