"""Reading the archive while the archiver writes it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rtp.errors import Retryable
from rtp.stores.lake import Lake

TRIES = 5
AT_ONCE = 2_000


def archive_files(lake: Lake, stream: str = "events") -> list[str]:
    """Parquet files of an archived stream, the empty one that carries its columns included."""
    return sorted(str(path) for path in lake.archive(stream).glob("**/*.parquet"))


def read_archive(
    lake: Lake, query: str, streams: Sequence[str], values: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """The rows of :func:`stream_archive`, all at once."""
    return list(stream_archive(lake, query, streams, values))


def stream_archive(
    lake: Lake,
    query: str,
    streams: Sequence[str],
    values: Mapping[str, Any] | None = None,
    *,
    spill: Path | None = None,
) -> Iterator[tuple[Any, ...]]:
    """The rows of a query in which `{stream}` stands for an archived stream, all its columns there.

    Files that are made one while it reads (see rtp.stores.archive_files) vanish under it: then it begins again, as long
    as no row was given, so queries over much sort. For a moment their rows are in two files: queries tell rows by their
    keys. What does not fit into memory goes into the folder `spill`. Raises Retryable.
    """
    import duckdb  # here, as the API starts without it

    from rtp.stores.feeds.session import feed_session

    vanished: Exception | None = None
    for _ in range(TRIES):
        files = {stream: archive_files(lake, stream) for stream in streams}
        sources = {stream: _source(stream, bool(files[stream])) for stream in streams}
        parameters = {f"files_{stream}": files[stream] for stream in streams if files[stream]} | dict(values or {})
        with feed_session(spill) as connection:
            try:
                found = connection.execute(query.format(**sources), parameters)
                rows = found.fetchmany(AT_ONCE)
            except duckdb.IOException as error:
                vanished = error
                continue
            while rows:
                yield from rows
                rows = found.fetchmany(AT_ONCE)
            return
    raise Retryable("The archive's files keep changing.", hint="Try again in a moment.") from vanished


def _source(stream: str, exists: bool) -> str:
    """Files of an older version lack columns: they are NULL there."""
    from rtp.signals.feeds.schema_sql import empty_select
    from rtp.stores.archive_schema import ARCHIVES

    empty = empty_select(ARCHIVES[stream])
    read = f"SELECT * FROM read_parquet($files_{stream}, union_by_name = true, hive_partitioning = false)"
    return f"({empty} UNION ALL BY NAME {read})" if exists else f"({empty})"
