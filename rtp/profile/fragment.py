"""The fragment: the live state of one partition key, as bytes that depend on the log alone."""

import hashlib

import msgspec

from rtp.features.live import LiveState
from rtp.profile.consent import Grant
from rtp.profile.effects import Effect

Position = tuple[int, int]
"""A place in the log partition: milliseconds, sequence."""

START: Position = (0, 0)
DEDUPLICATION_MS = 24 * 3600 * 1000
"""A message id counts once in this much log time."""
MOST_SEEN = 20_000
"""Most entries a fragment remembers: one identifier with more events than this in a day is no shopper."""


class Seen(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One entry that was folded, or recognised as a duplicate."""

    milliseconds: int
    sequence: int
    message: int
    """64 bits of the message id's hash."""

    @property
    def position(self) -> Position:
        """Its place in the log."""
        return (self.milliseconds, self.sequence)


class FragmentState(msgspec.Struct, frozen=True, kw_only=True):
    """What replaying the archive up to `watermark` gives, byte for byte."""

    live: LiveState = {}
    consent: dict[str, Grant] = {}
    applied: int = 0
    """Events folded so far."""
    watermark: Position = START
    """The newest entry folded."""
    floor: Position = START
    """Up to here every entry is done, and no longer remembered one by one."""
    seen: tuple[Seen, ...] = ()
    """Entries after `floor`, in log order."""


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    """A fragment as stored: the state, and what has to be done about it yet."""

    state: FragmentState = FragmentState()
    version: int = 0
    """Counts writes: compared when the next one is made."""
    pending: tuple[Effect, ...] = ()
    """Effects not carried out yet, in order."""
    owner: str = ""
    """The customer whose it was at the last write."""


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(FragmentState)
_effects_decoder = msgspec.msgpack.Decoder(tuple[Effect, ...])


def encode_state(state: FragmentState) -> bytes:
    """The state's only encoding."""
    return _encoder.encode(state)


def decode_state(data: bytes) -> FragmentState:
    """The inverse of :func:`encode_state`."""
    return _decoder.decode(data)


def encode_effects(effects: tuple[Effect, ...]) -> bytes:
    """Effects as stored beside the state."""
    return _encoder.encode(effects)


def decode_effects(data: bytes) -> tuple[Effect, ...]:
    """The inverse of :func:`encode_effects`."""
    return _effects_decoder.decode(data)


def message_hash(message_id: str) -> int:
    """64 bits that stand for a message id."""
    return int.from_bytes(hashlib.blake2b(message_id.encode(), digest_size=8).digest(), "big")
