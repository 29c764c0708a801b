"""Whole columns into Feast's bytes at once, each value already in its frame (rtp.stores.redis_frames).

The same bytes as :func:`rtp.stores.feast_layout.encode_value` gives one by one; numpy does the work, so that a
row of twenty features costs microseconds.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rtp.errors import Rejected
from rtp.features.types import FeatureType
from rtp.stores.feast_layout import (
    BOOL_TAG,
    DOUBLE_TAG,
    INT64_TAG,
    NO_TIME,
    STRING_TAG,
    STRINGS_TAG,
    TIME_TAG,
    UNKNOWN,
    encode_time,
    varint,
)  # fmt: skip
from rtp.stores.redis_frames import ARGUMENT, Frame, framed

Framed = npt.NDArray[np.object_]
"""One `bytes` an element: the head of its frame, the payload, the tail."""


def encode_column(column: pa.Array, kind: FeatureType, name: str, frame: Frame = ARGUMENT) -> Framed:
    """A column as framed `feast.types.Value`; raises Rejected if it cannot be read as the feature's type."""
    try:
        encoded = _ENCODERS[kind](column, frame)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise Rejected(
            f"The column {name} is {column.type}, which is no {kind.value}: {error}", reason="WRONG_TYPE", field=name
        ) from error
    if column.null_count:
        encoded[column.is_null().to_numpy(zero_copy_only=False)] = framed(
            NO_TIME if kind is FeatureType.TIME else UNKNOWN, frame
        )
    return encoded


def encode_times(micros: npt.NDArray[np.int64], frame: Frame = ARGUMENT) -> Framed:
    """Event times as framed protobuf Timestamps; few distinct ones are expected."""
    distinct, index = np.unique(micros, return_inverse=True)
    return _objects([framed(encode_time(int(at)), frame) for at in distinct])[index]


def to_micros(column: pa.Array) -> npt.NDArray[np.int64]:
    """A timestamp column without nulls as microseconds since 1970 UTC."""
    return np.asarray(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(zero_copy_only=False))


def _objects(values: list[bytes]) -> Framed:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _frame_fixed(tag: bytes, payload: npt.NDArray[np.uint8], frame: Frame) -> Framed:
    """Frames rows of bytes that all have one length; no frame ends in a zero, which numpy would cut off."""
    rows, width = payload.shape
    head, tail = frame.head(width + len(tag)) + tag, frame.tail(width + len(tag))
    whole = np.empty((rows, len(head) + width + len(tail)), dtype=np.uint8)
    whole[:, : len(head)] = np.frombuffer(head, dtype=np.uint8)
    whole[:, len(head) : len(head) + width] = payload
    whole[:, len(head) + width :] = np.frombuffer(tail, dtype=np.uint8)
    return whole.view(f"S{whole.shape[1]}").ravel().astype(object)


def _frame_varints(tag: bytes, numbers: npt.NDArray[np.int64], frame: Frame) -> Framed:
    """Protobuf varints, seven bits a byte, grouped by their length."""
    unsigned = numbers.view(np.uint64)
    lengths = np.ones(len(unsigned), dtype=np.int64)
    for bits in range(7, 64, 7):
        lengths += unsigned >= np.uint64(1 << bits)
    result = np.empty(len(unsigned), dtype=object)
    for length in np.unique(lengths):
        chosen = np.flatnonzero(lengths == length)
        shifts = (np.arange(length, dtype=np.uint64) * np.uint64(7))[None, :]
        groups = (unsigned[chosen][:, None] >> shifts & np.uint64(0x7F)).astype(np.uint8)
        groups[:, :-1] |= 0x80
        result[chosen] = _frame_fixed(tag, groups, frame)
    return result


def _numbers(column: pa.Array) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(pc.fill_null(column, 0).to_numpy(zero_copy_only=False).astype(np.int64, copy=False))


def _ints(column: pa.Array, frame: Frame) -> Framed:
    return _frame_varints(INT64_TAG, _numbers(column.cast(pa.int64())), frame)


def _seconds(column: pa.Array, frame: Frame) -> Framed:
    micros = _numbers(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()))
    return _frame_varints(TIME_TAG, micros // 1_000_000, frame)


def _floats(column: pa.Array, frame: Frame) -> Framed:
    if pa.types.is_decimal(column.type):
        values = np.array([np.nan if value is None else float(value) for value in column.to_pylist()], dtype="<f8")
    else:
        values = np.ascontiguousarray(pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy(), dtype="<f8")
    encoded = _frame_fixed(DOUBLE_TAG, values.view(np.uint8).reshape(len(values), 8), frame)
    unknown = np.isnan(values)
    if unknown.any():
        encoded[unknown] = framed(UNKNOWN, frame)
    return encoded


def _flags(column: pa.Array, frame: Frame) -> Framed:
    values = pc.fill_null(column.cast(pa.bool_()), fill_value=False).to_numpy(zero_copy_only=False)
    encoded: Framed = _objects([framed(BOOL_TAG + bit, frame) for bit in (b"\x00", b"\x01")])[values.astype(np.intp)]
    return encoded


def _texts(column: pa.Array, frame: Frame) -> Framed:
    dictionary = pc.fill_null(column.cast(pa.string()), "").dictionary_encode()
    distinct = [value.encode() for value in dictionary.dictionary.to_pylist()]
    framed_distinct = _objects([framed(STRING_TAG + varint(len(value)) + value, frame) for value in distinct])
    encoded: Framed = framed_distinct[dictionary.indices.to_numpy(zero_copy_only=False)]
    return encoded


def _lists(column: pa.Array, frame: Frame) -> Framed:
    """Each distinct string is encoded once; a row then only joins its items."""
    column = column.cast(pa.list_(pa.string()))
    items = pc.fill_null(column.values, "").dictionary_encode()
    distinct = [value.encode() for value in items.dictionary.to_pylist()]
    encoded = _objects([b"\x0a" + varint(len(value)) + value for value in distinct])
    flat = encoded[items.indices.to_numpy(zero_copy_only=False)].tolist()
    bodies = [b"".join(flat[start:end]) for start, end in pairwise(column.offsets.to_pylist())]
    return _objects([framed(STRINGS_TAG + varint(len(body)) + body, frame) for body in bodies])


_ENCODERS: dict[FeatureType, Callable[[Any, Frame], Framed]] = {
    FeatureType.INT: _ints,
    FeatureType.FLOAT: _floats,
    FeatureType.TEXT: _texts,
    FeatureType.FLAG: _flags,
    FeatureType.TIME: _seconds,
    FeatureType.TEXTS: _lists,
}
