"""Time, randomness and ids as values that are passed in."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present moment as an aware UTC datetime."""

NewId = Callable[[], str]
"""Gives a fresh, unguessable id."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(tz=UTC)


def random_id() -> str:
    """128 random bits, as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exactly."""
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The inverse of :func:`to_micros`."""
    return datetime.fromtimestamp(micros // 1_000_000, tz=UTC).replace(microsecond=micros % 1_000_000)
