"""Materialization: a published mart into the online store, many rows a call, through the rule that newer values stay.

Where a key does not exist yet nothing can be newer: there the whole hash is made here and handed to Redis, which only
copies it and refuses if the key has come to exist meanwhile. All other rows go through the script that compares
times. What goes over the wire is packed whole columns at a time (rtp.stores.feast_packets) and sent over several
connections ahead of the answers (rtp.stores.redis_lanes).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rtp.errors import NotFound, Rejected
from rtp.features.view import View
from rtp.features.views import EVENT_TIME, PROJECT
from rtp.stores.feast_packets import ROWS_A_CALL, keys_of, restores, script_calls
from rtp.stores.lake import Lake
from rtp.stores.online_rows import WRITE_NOT_OLDER
from rtp.stores.redis_frames import OLDEST_SERVER
from rtp.stores.redis_lanes import Lanes

ROWS_READ = 20_000
KEYS_LOOKED_AT = 100


class Materialized(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a view's rows."""

    view: str
    rows: int
    written: int
    seconds: float

    @property
    def kept(self) -> int:
        """Rows that were not written, because what was there is newer."""
        return self.rows - self.written


def materialize(
    redis_url: str, view: View, path: Path, *, project: str = PROJECT, rows_a_call: int = ROWS_A_CALL
) -> Materialized:
    """Writes a Parquet file of the view's columns, its join keys and `as_of` to the online store.

    Safe to repeat and to run beside any other writer. On Redis Cluster `rows_a_call` must be 1.
    Raises NotFound if there is no such file, Rejected for a missing column, a wrong type or a row without key or
    time (before anything of its batch is written), Retryable when Redis does not answer.
    """
    started = perf_counter()
    rows = _rows_of(path)
    with Lanes(redis_url) as lanes:
        written, batches = 0, read_batches(view, path)
        if _mostly_absent(lanes, view, path, project):
            written, refused = _restore(lanes, view, batches, project)
            batches = _chosen_rows(read_batches(view, path), refused) if refused else iter(())
        written += _write_not_older(lanes, view, batches, project, rows_a_call)
    return Materialized(view=view.name, rows=rows, written=written, seconds=perf_counter() - started)


def materialize_mart(redis_url: str, view: View, lake: Lake) -> Materialized:
    """Materializes a batch view from its published mart."""
    if view.mart is None:
        raise Rejected(f"The feature view {view.name} is pushed live; it has no mart.", reason="NOT_A_BATCH_VIEW")
    return materialize(redis_url, view, lake.mart(view.mart))


def read_batches(view: View, path: Path) -> Iterator[pa.RecordBatch]:
    """The view's columns of a Parquet file, a batch at a time."""
    wanted = [*view.entity.join_keys, EVENT_TIME, *view.feature_names]
    with _opened(path) as file:
        missing = [name for name in wanted if name not in file.schema_arrow.names]
        if missing:
            raise Rejected(
                f"{path.name} of the feature view {view.name} has no column {', '.join(missing)}.",
                reason="MISSING_COLUMN", field=missing[0],
                hint="A mart that features are made of needs every column that rtp/features/views.py names.",
            )  # fmt: skip
        yield from file.iter_batches(batch_size=ROWS_READ, columns=wanted)


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    if not path.exists():
        raise NotFound(f"There is no file {path}.", reason="NO_FILE", hint="Run `rtp build` first.")
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except pa.ArrowInvalid as error:
        raise Rejected(f"{path} is no readable Parquet file: {error}", reason="UNREADABLE_FILE") from error


def _rows_of(path: Path) -> int:
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def _mostly_absent(lanes: Lanes, view: View, path: Path, project: str) -> bool:
    """Whether ready-made hashes are worth a try: the server reads them, and few of the first rows' keys exist."""
    batch = next(read_batches(view, path), None)
    if batch is None or lanes.server_version() < OLDEST_SERVER:
        return False
    keys = keys_of(view, batch.slice(0, KEYS_LOOKED_AT), project)
    return lanes.existing(keys) < len(keys) / 2


def _restore(lanes: Lanes, view: View, batches: Iterator[pa.RecordBatch], project: str) -> tuple[int, list[int]]:
    """(rows written, the numbers of the rows whose key exists)."""
    for batch in batches:
        for block, answers in restores(view, batch, project):
            lanes.send(block, answers)
    answered = lanes.finish()
    return answered.total, answered.busy


def _chosen_rows(batches: Iterator[pa.RecordBatch], numbers: list[int]) -> Iterator[pa.RecordBatch]:
    """Of all rows only those with these numbers, which ascend."""
    wanted, first = np.array(numbers), 0
    for batch in batches:
        start, end = np.searchsorted(wanted, (first, first + batch.num_rows))
        if start < end:
            yield batch.take(pa.array(wanted[start:end] - first))
        first += batch.num_rows


def _write_not_older(
    lanes: Lanes, view: View, batches: Iterator[pa.RecordBatch], project: str, rows_a_call: int
) -> int:
    lanes.load_script(WRITE_NOT_OLDER.source)
    for batch in batches:
        for block, answers in script_calls(view, batch, project, rows_a_call):
            lanes.send(block, answers)
    return lanes.finish().total
