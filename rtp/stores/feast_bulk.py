"""Materialization: a published mart into the online store, many rows a call, through the rule that newer values stay.

What goes over the wire is packed here, whole columns at a time (rtp.stores.feast_columns), and sent over several
connections ahead of the answers (rtp.stores.redis_lanes). Redis, not Python, is then the limit.
"""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rtp.errors import NotFound, Rejected
from rtp.features.views import EVENT_TIME, PROJECT, View
from rtp.stores.feast_columns import Framed, encode_column, encode_times, framed, to_micros
from rtp.stores.feast_layout import entity_keys, field_name, time_field
from rtp.stores.lake import Lake
from rtp.stores.online_store import WRITE_NOT_OLDER
from rtp.stores.redis_lanes import Lanes

ROWS_READ = 20_000
ROWS_A_CALL = 50
"""Long enough to spread the cost of a script call, short enough (about a millisecond) for look-ups in between."""
CALLS_A_BLOCK = 4


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
    rows = 0
    calls = _Calls(view, rows_a_call)
    with Lanes(redis_url) as lanes:
        lanes.load_script(WRITE_NOT_OLDER.source)
        for batch in read_batches(view, path):
            keys, values = encode_batch(view, batch, project)
            for block, answers in calls.blocks(keys, values):
                lanes.send(block, answers)
            rows += len(keys)
        written = lanes.finish()
    return Materialized(view=view.name, rows=rows, written=written, seconds=perf_counter() - started)


def materialize_mart(redis_url: str, view: View, lake: Lake) -> Materialized:
    """Materializes a batch view from its published mart."""
    if view.mart is None:
        raise Rejected(f"The feature view {view.name} is pushed live; it has no mart.", reason="NOT_A_BATCH_VIEW")
    return materialize(redis_url, view, lake.mart(view.mart))


def read_batches(view: View, path: Path) -> Iterator[pa.RecordBatch]:
    """The view's columns of a Parquet file, a batch at a time."""
    if not path.exists():
        raise NotFound(f"There is no file {path}.", reason="NO_FILE", hint="Run `rtp build` first.")
    wanted = [*view.entity.join_keys, EVENT_TIME, *view.feature_names]
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in wanted if name not in file.schema_arrow.names]
            if missing:
                raise Rejected(
                    f"{path.name} of the feature view {view.name} has no column {', '.join(missing)}.",
                    reason="MISSING_COLUMN", field=missing[0],
                    hint="A mart that features are made of needs every column that rtp/features/views.py names.",
                )  # fmt: skip
            yield from file.iter_batches(batch_size=ROWS_READ, columns=wanted)
    except pa.ArrowInvalid as error:
        raise Rejected(f"{path} is no readable Parquet file: {error}", reason="UNREADABLE_FILE") from error


def encode_batch(view: View, batch: pa.RecordBatch, project: str = PROJECT) -> tuple[list[bytes], Framed]:
    """(framed Redis keys, framed values as a row of [event time, features…] each)."""
    for name in (*view.entity.join_keys, EVENT_TIME):
        if batch.column(name).null_count:
            raise Rejected(
                f"{batch.column(name).null_count} rows for the feature view {view.name} have no {name}.",
                reason="MISSING_KEY", field=name,
            )  # fmt: skip
    values = np.empty((batch.num_rows, len(view.features) + 1), dtype=object)
    values[:, 0] = encode_times(to_micros(batch.column(EVENT_TIME)))
    for index, feature in enumerate(view.features, start=1):
        values[:, index] = encode_column(batch.column(feature.name), feature.type, feature.name)
    columns = {name: batch.column(name).cast(pa.string()).to_pylist() for name in view.entity.join_keys}
    return list(map(framed, entity_keys(project, columns))), values


class _Calls:
    """Packs calls of the writing script for one view."""

    def __init__(self, view: View, rows_a_call: int) -> None:
        names = [b"%d" % (len(view.features) + 1), time_field(view.name)]
        names += [field_name(view.name, feature) for feature in view.feature_names]
        self._names = b"".join(map(framed, names))
        self._arguments = len(names)
        self._digest = framed(WRITE_NOT_OLDER.digest.encode())
        self._rows = rows_a_call

    def blocks(self, keys: list[bytes], values: Framed) -> Iterator[tuple[bytes, int]]:
        """(packed calls, how many) for framed keys and values."""
        step = self._rows * CALLS_A_BLOCK
        for first in range(0, len(keys), step):
            last = min(first + step, len(keys))
            starts = range(first, last, self._rows)
            yield (
                b"".join(self._call(keys[at : at + self._rows], values[at : at + self._rows]) for at in starts),
                len(starts),
            )

    def _call(self, keys: list[bytes], values: Framed) -> bytes:
        count = 3 + len(keys) + self._arguments + values.size
        head = b"*%d\r\n$7\r\nEVALSHA\r\n%b%b" % (count, self._digest, framed(b"%d" % len(keys)))
        return b"".join([head, *keys, self._names, *values.ravel()])
