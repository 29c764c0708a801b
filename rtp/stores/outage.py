"""Redis being away is not an error of the caller's: it becomes Retryable, in one sentence."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rtp.errors import Retryable

_PASSING_KINDS = (OutOfMemoryError, ReadOnlyError, ClusterDownError, TryAgainError, MasterDownError)
"""redis-py takes the code off the text of those it has a class for."""
_PASSING = ("MISCONF", "BUSY ", "BACKPRESSURE")
_OUT_OF_MEMORY = "OOM command not allowed"
"""Redis 6.2 hides it inside the error of the script that met it."""


@contextmanager
def outage_is_retryable(doing: str) -> Iterator[None]:
    """Turns what passes by itself (no connection, no memory, still loading) into Retryable; other errors stay."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise Retryable(
            f"Redis did not answer while {doing}.", hint="Check `rtp status`; sending the same again is safe."
        ) from error
    except ResponseError as error:
        if not _passes(error):
            raise
        raise Retryable(f"Redis refused {doing}: {error}", hint="Try again later.") from error


def _passes(error: ResponseError) -> bool:
    text = str(error)
    return isinstance(error, _PASSING_KINDS) or text.startswith(_PASSING) or _OUT_OF_MEMORY in text


async def answer_of(command: Awaitable[Any] | Any) -> Any:
    """What a Redis command answers; redis-py types its commands as if they might not need awaiting."""
    return await command
