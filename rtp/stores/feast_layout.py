"""Feast's documented layout of its Redis online store, byte for byte, without importing Feast.

One hash an entity: key = entity key (serialization version 3) + project; field = murmur3 of "view:feature", four bytes
little-endian; value = a serialized `feast.types.Value`; "_ts:view" = a serialized `google.protobuf.Timestamp`. The
tests compare every byte with what Feast's own helpers give.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import mmh3

from rtp.errors import Rejected
from rtp.features.types import FeatureType
from rtp.features.values import FeatureValue

_STRING = struct.pack("<I", 2)
"""`feast.types.ValueType.STRING`: the only type of our join keys."""

STRING_TAG, INT64_TAG, DOUBLE_TAG, BOOL_TAG, TIME_TAG, STRINGS_TAG = (
    b"\x12",
    b"\x20",
    b"\x29",
    b"\x38",
    b"\x40",
    b"\x62",
)
"""Protobuf tags of the fields of `feast.types.Value`."""
NO_TIME = TIME_TAG + b"\x80" * 9 + b"\x01"
"""How Feast writes an unknown time: the smallest 64-bit integer."""
UNKNOWN = b""
"""Every other unknown value: a `Value` in which nothing is set."""


def text_with_length(value: bytes) -> bytes:
    """Length as four bytes little-endian, then the bytes."""
    return struct.pack("<I", len(value)) + value


@lru_cache(maxsize=64)
def key_prefix(join_keys: tuple[str, ...]) -> bytes:
    """The part of an entity key that is the same for all entities; join keys in alphabetical order."""
    named = b"".join(_STRING + text_with_length(name.encode()) for name in join_keys)
    return struct.pack("<I", len(join_keys)) + named


def entity_key(project: str, entity: Mapping[str, str]) -> bytes:
    """The Redis key of an entity's hash."""
    names = tuple(sorted(entity))
    values = b"".join(_STRING + text_with_length(entity[name].encode()) for name in names)
    return key_prefix(names) + values + project.encode()


def entity_keys(project: str, columns: Mapping[str, Sequence[str]]) -> list[bytes]:
    """The Redis keys of many entities, given column by column: the same as :func:`entity_key` row by row."""
    names = tuple(sorted(columns))
    prefix, suffix = key_prefix(names), project.encode()
    encoded = [[text.encode() for text in columns[name]] for name in names]
    parts = [[b"%b%b%b" % (_STRING, struct.pack("<I", len(text)), text) for text in column] for column in encoded]
    return [b"%b%b%b" % (prefix, b"".join(row), suffix) for row in zip(*parts, strict=True)]


@lru_cache(maxsize=4096)
def field_name(view: str, feature: str) -> bytes:
    """The hash field of a feature."""
    return struct.pack("<I", mmh3.hash(f"{view}:{feature}", signed=False))


def time_field(view: str) -> bytes:
    """The hash field of the event time of a view's row."""
    return f"_ts:{view}".encode()


_ONE_BYTE = [bytes([value]) for value in range(0x80)]


def varint(value: int) -> bytes:
    """A protobuf int64 as base-128 varint; negative numbers take ten bytes."""
    if 0 <= value < 0x80:
        return _ONE_BYTE[value]
    value &= 0xFFFF_FFFF_FFFF_FFFF
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(unsigned value, position after it)."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def signed(value: int) -> int:
    """An unsigned 64-bit number read as two's complement."""
    return value - (1 << 64) if value >= 1 << 63 else value


@lru_cache(maxsize=65_536)
def encode_time(micros: int) -> bytes:
    """Microseconds since 1970 as a protobuf Timestamp."""
    seconds, rest = divmod(micros, 1_000_000)
    return (b"\x08" + varint(seconds) if seconds else b"") + (b"\x10" + varint(rest * 1000) if rest else b"")


def decode_time(data: bytes) -> int:
    """A protobuf Timestamp as microseconds since 1970."""
    parts, at = {0x08: 0, 0x10: 0}, 0
    while at < len(data):
        tag = data[at]
        parts[tag], at = read_varint(data, at + 1)
    return signed(parts[0x08]) * 1_000_000 + parts[0x10] // 1000


def encode_value(kind: FeatureType, value: FeatureValue) -> bytes:
    """A value as a serialized `feast.types.Value`; raises Rejected if it is not of the feature's type."""
    return encoder_of(kind)(value)


def unknown_of(kind: FeatureType) -> bytes:
    """What stands for an unknown value of this type."""
    return NO_TIME if kind is FeatureType.TIME else UNKNOWN


@lru_cache(maxsize=len(FeatureType))
def encoder_of(kind: FeatureType) -> Callable[[FeatureValue], bytes]:
    """:func:`encode_value` for one type, for whoever encodes many."""
    unknown = unknown_of(kind)
    accepted, encode = _ENCODERS[kind]

    def encoded(value: FeatureValue) -> bytes:
        if value is None:
            return unknown
        if type(value) not in accepted:
            raise Rejected(f"A value of type {type(value).__name__} is no {kind.value}.", reason="WRONG_TYPE")
        return encode(value)

    return encoded


def decode_value(data: bytes | None) -> FeatureValue:
    """What :func:`encode_value` wrote, and whatever else Feast writes into these types; None for unknown."""
    if not data or data == NO_TIME:
        return None
    decode = _DECODERS.get(data[:1])
    if decode is None:
        raise Rejected(f"The online store holds a value with tag {data[:1].hex()}.", reason="UNKNOWN_VALUE_TYPE")
    return decode(data)


_SMALL = [INT64_TAG + each for each in _ONE_BYTE]


@lru_cache(maxsize=65_536)
def _time_value(seconds: int) -> bytes:
    return TIME_TAG + varint(seconds)


_double = struct.Struct("<d").pack


def _encode_float(value: float) -> bytes:
    return UNKNOWN if value != value else DOUBLE_TAG + _double(value)  # noqa: PLR0124 (NaN is unknown)


def _encode_text(value: str) -> bytes:
    text = value.encode()
    return STRING_TAG + varint(len(text)) + text


def encode_texts(values: Sequence[str | None]) -> bytes:
    """A list of strings as `Value.string_list_val`; like Feast, an unknown string becomes the empty one."""
    items = [(value or "").encode() for value in values]
    body = b"".join(b"\x0a" + varint(len(item)) + item for item in items)
    return STRINGS_TAG + varint(len(body)) + body


_ENCODERS: dict[FeatureType, tuple[tuple[type, ...], Callable[[Any], bytes]]] = {
    FeatureType.FLAG: ((bool,), lambda value: BOOL_TAG + (b"\x01" if value else b"\x00")),
    FeatureType.INT: ((int,), lambda value: _SMALL[value] if 0 <= value < 0x80 else INT64_TAG + varint(value)),
    FeatureType.TIME: ((int,), lambda value: _time_value(value // 1_000_000)),
    FeatureType.FLOAT: ((float, int), _encode_float),
    FeatureType.TEXT: ((str,), _encode_text),
    FeatureType.TEXTS: ((list,), encode_texts),
}


def _decode_text(data: bytes) -> str:
    return data[read_varint(data, 1)[1] :].decode()


def _decode_texts(data: bytes) -> list[str]:
    items, at = [], read_varint(data, 1)[1]
    while at < len(data):
        length, start = read_varint(data, at + 1)
        at = start + length
        items.append(data[start:at].decode())
    return items


_DECODERS: dict[bytes, Callable[[bytes], FeatureValue]] = {
    BOOL_TAG: lambda data: data[1] != 0,
    INT64_TAG: lambda data: signed(read_varint(data, 1)[0]),
    TIME_TAG: lambda data: signed(read_varint(data, 1)[0]) * 1_000_000,
    DOUBLE_TAG: lambda data: float(struct.unpack_from("<d", data, 1)[0]),
    STRING_TAG: _decode_text,
    STRINGS_TAG: _decode_texts,
}
