"""Values framed for Redis before they are sent: as arguments of its protocol, or as fields of a ready-made hash.

A ready-made hash is what `DUMP` gives and `RESTORE` takes: the type, a listpack of names and values, the format's
version and a CRC-64. Redis copies it as it is instead of adding field after field, which costs it a third as much.
Formats: Redis 7.0, `listpack.c` and `rdb.c` (later servers read them too).
"""

import struct
from functools import lru_cache
from typing import Final, Protocol

import anycrc
import msgspec

OLDEST_SERVER: Final = (7, 0)
"""Listpacks in dumps: older servers do not know them."""

_HASH_OF_LISTPACK: Final = b"\x10"
_FORMAT_VERSION: Final = b"\x0a\x00"
_END_OF_LISTPACK: Final = b"\xff"
_crc64 = anycrc.Model("CRC64-REDIS")


class Frame(Protocol):
    """What goes before and after a payload of so many bytes. The last byte after it is never zero."""

    def head(self, length: int) -> bytes:
        """What precedes the payload."""
        ...

    def tail(self, length: int) -> bytes:
        """What follows the payload."""
        ...


class Argument(msgspec.Struct, frozen=True):
    """An argument of the Redis protocol."""

    def head(self, length: int) -> bytes:
        """What precedes a payload of this length."""
        return b"$%d\r\n" % length

    def tail(self, _length: int) -> bytes:
        """What follows a payload of any length."""
        return b"\r\n"


class HashField(msgspec.Struct, frozen=True):
    """Two elements of a listpack: the name of a hash's field, then its value."""

    name: bytes

    def head(self, length: int) -> bytes:
        """What precedes a payload of this length."""
        return _element(self.name) + _element_head(length)

    def tail(self, length: int) -> bytes:
        """What follows a payload of this length."""
        return _element_tail(length)


ARGUMENT: Final = Argument()


def framed(payload: bytes, frame: Frame = ARGUMENT) -> bytes:
    """A payload in its frame."""
    return frame.head(len(payload)) + payload + frame.tail(len(payload))


def hash_dump(elements: bytes, fields: int) -> bytes:
    """The `RESTORE` payload of a hash of so many fields, framed by :class:`HashField` and joined."""
    size = len(elements) + 7
    body = b"%b%b%b%b%b%b" % (
        _HASH_OF_LISTPACK, _string_length(size), struct.pack("<IH", size, 2 * fields),
        elements, _END_OF_LISTPACK, _FORMAT_VERSION,
    )  # fmt: skip
    return body + struct.pack("<Q", _crc64.calc(body))


def _string_length(length: int) -> bytes:
    """A length as `rdbSaveLen` writes it."""
    if length < 1 << 6:
        return bytes([length])
    if length < 1 << 14:
        return bytes([0x40 | length >> 8, length & 0xFF])
    return b"\x80" + struct.pack(">I", length)


@lru_cache(maxsize=4096)
def _element(text: bytes) -> bytes:
    return _element_head(len(text)) + text + _element_tail(len(text))


@lru_cache(maxsize=4096)
def _element_head(length: int) -> bytes:
    """The encoding byte and length of a string element (`lpEncodeString`)."""
    if length < 1 << 6:
        return bytes([0x80 | length])
    if length < 1 << 12:
        return bytes([0xE0 | length >> 8, length & 0xFF])
    return b"\xf0" + struct.pack("<I", length)


@lru_cache(maxsize=4096)
def _element_tail(length: int) -> bytes:
    """How long the element before is, for reading backwards (`lpEncodeBacklen`, its limits included)."""
    size = len(_element_head(length)) + length
    groups = 1 + (size > 127) + (size >= 16_383) + (size >= 2_097_151) + (size >= 268_435_455)
    shifts = range(7 * (groups - 1), -1, -7)
    return bytes(size >> shift & 0x7F | (0x80 if at else 0) for at, shift in enumerate(shifts))
