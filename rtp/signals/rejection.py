"""What was sent and cannot be used: kept with its reason, so that it can be replayed once the cause is gone."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Reason = Literal[
    "NOT_JSON", "NOT_AN_OBJECT", "TOO_LARGE", "UNKNOWN_TYPE", "BAD_FIELD", "MISSING_FIELD", "BAD_TIMESTAMP",
    "NO_IDENTITY", "FOLD_FAILED", "EFFECT_FAILED", "UNREADABLE",
]  # fmt: skip


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One rejected event: why, and the body as it came."""

    reason: Reason
    message: str
    """One sentence for the sender, without any value of the event's."""
    field: str = ""
    """Path of the offending field, "" where the event as a whole is at fault."""
    body: bytes = b""
    source: str = "default"
    received_at: int = 0
    """Microseconds since 1970 UTC."""


class RejectedLog(Protocol):
    """Keeps rejected events until they are archived."""

    async def append(self, records: Sequence[Rejection]) -> None:
        """Stores them durably. Raises Retryable when it cannot."""
        ...
