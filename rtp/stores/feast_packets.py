"""Rows of a view packed as commands for Redis, whole batches at a time."""

from collections.abc import Callable, Iterator

import pyarrow as pa

from rtp.errors import Rejected
from rtp.features.view import View
from rtp.features.views import EVENT_TIME, PROJECT
from rtp.stores.feast_columns import encode_column, encode_times, to_micros
from rtp.stores.feast_layout import entity_keys, field_name, time_field
from rtp.stores.online_rows import WRITE_NOT_OLDER
from rtp.stores.redis_frames import ARGUMENT, Frame, HashField, framed, hash_dump

ROWS_A_CALL = 50
"""Long enough to spread the cost of a script call, short enough (about a millisecond) for look-ups in between."""
ROWS_A_BLOCK = 200

Block = tuple[bytes, int]
"""(packed commands, how many answers they will have)."""


def fields_of(view: View) -> list[bytes]:
    """The hash fields of a view's row: its event time, then its features."""
    return [time_field(view.name), *(field_name(view.name, feature) for feature in view.feature_names)]


def keys_of(view: View, batch: pa.RecordBatch, project: str = PROJECT) -> list[bytes]:
    """The Redis keys of a batch's rows; raises Rejected for a row without key or time."""
    for name in (*view.entity.join_keys, EVENT_TIME):
        if batch.column(name).null_count:
            raise Rejected(
                f"{batch.column(name).null_count} rows for the feature view {view.name} have no {name}.",
                reason="MISSING_KEY", field=name,
            )  # fmt: skip
    columns = {name: batch.column(name).cast(pa.string()).to_pylist() for name in view.entity.join_keys}
    return entity_keys(project, columns)


def packed_rows(view: View, batch: pa.RecordBatch, frame_of: Callable[[bytes], Frame]) -> list[bytes]:
    """Each row's values in the order of :func:`fields_of`, framed and joined; raises Rejected for a wrong type."""
    frames = [frame_of(name) for name in fields_of(view)]
    columns = [encode_times(to_micros(batch.column(EVENT_TIME)), frames[0])]
    for feature, frame in zip(view.features, frames[1:], strict=True):
        columns.append(encode_column(batch.column(feature.name), feature.type, feature.name, frame))
    return list(map(b"".join, zip(*map(list, columns), strict=True)))


def restores(view: View, batch: pa.RecordBatch, project: str) -> Iterator[Block]:
    """One `RESTORE` a row, which Redis refuses (BUSYKEY) where the key exists."""
    keys, rows, fields = keys_of(view, batch, project), packed_rows(view, batch, HashField), len(view.features) + 1
    commands = [_restore(key, hash_dump(row, fields)) for key, row in zip(keys, rows, strict=True)]
    for first in range(0, len(commands), ROWS_A_BLOCK):
        block = commands[first : first + ROWS_A_BLOCK]
        yield b"".join(block), len(block)


def _restore(key: bytes, dump: bytes) -> bytes:
    return b"*4\r\n$7\r\nRESTORE\r\n$%d\r\n%b\r\n$1\r\n0\r\n$%d\r\n%b\r\n" % (len(key), key, len(dump), dump)


def script_calls(view: View, batch: pa.RecordBatch, project: str, rows_a_call: int) -> Iterator[Block]:
    """Calls of the script that keeps newer rows, for so many rows each."""
    keys, rows = list(map(framed, keys_of(view, batch, project))), packed_rows(view, batch, lambda _name: ARGUMENT)
    fields = fields_of(view)
    names = b"".join(map(framed, [b"%d" % len(fields), *fields]))
    digest = framed(WRITE_NOT_OLDER.digest.encode())

    def call(at: int) -> bytes:
        chosen = keys[at : at + rows_a_call]
        count = 4 + len(fields) + len(chosen) * (1 + len(fields))
        head = b"*%d\r\n$7\r\nEVALSHA\r\n%b%b" % (count, digest, framed(b"%d" % len(chosen)))
        return b"".join([head, *chosen, names, *rows[at : at + rows_a_call]])

    calls_a_block = max(1, ROWS_A_BLOCK // rows_a_call)
    starts = range(0, len(keys), rows_a_call)
    for first in range(0, len(starts), calls_a_block):
        block = [call(at) for at in starts[first : first + calls_a_block]]
        yield b"".join(block), len(block)
