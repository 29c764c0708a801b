"""What was sent and cannot be used: kept with its reason, so that it can be put through once the cause is gone."""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from rtp.signals.event import EVENT_TYPES

Reason = Literal[
    "NOT_JSON", "NOT_AN_OBJECT", "TOO_LARGE", "UNKNOWN_TYPE", "BAD_FIELD", "MISSING_FIELD", "BAD_TIMESTAMP",
    "NO_IDENTITY", "FOLD_FAILED", "EFFECT_FAILED", "UNREADABLE",
]  # fmt: skip

SettledBy = Literal["put_through", "counted_before"]


class Rejection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rejected event: why, the body as it came, and what else its reading depends on."""

    reason: Reason
    message: str
    """One sentence for the sender, without any value of the event's."""
    field: str = ""
    """Path of the offending field, "" where the event as a whole is at fault."""
    body: bytes = b""
    source: str = "default"
    received_at: int = 0
    """Microseconds since 1970 UTC."""
    call: str = ""
    """What the body is: of the call it came by ("track", "page", "batch" …), or an "effect"; "" tells it itself."""
    sent_at: int | None = None
    """`sentAt` of its batch (microseconds), which corrects its clock where it has none itself."""
    context: dict[str, Any] = {}
    """`context` of its batch."""
    gpc: bool = False
    """The request carried `Sec-GPC: 1`."""
    key: str = ""
    """What it is known by where it may be rejected again: its place in the log, or the id of an effect."""

    @property
    def rejection_id(self) -> str:
        """Derived, so that one rejected twice (by a crash, by a repetition) is one."""
        digest = hashlib.blake2b(msgspec.json.encode((self.reason, self.source, self.key)), digest_size=12)
        if not self.key:
            digest.update(self.received_at.to_bytes(8, "big", signed=True) + self.body)
        return f"r{digest.hexdigest()}"


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


def type_of(rejection: Rejection) -> str:
    """The kind of event that was sent, "batch" or "effect"; "" where nobody can tell. Says nothing of anybody."""
    if rejection.call:
        return rejection.call
    try:
        told = msgspec.json.decode(rejection.body, type=_Typed).type
    except (msgspec.DecodeError, RecursionError):
        return ""
    return told if told in EVENT_TYPES else ""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A rejected event that needs no more care, since it counts."""

    rejection_id: str
    outcome: SettledBy
    """"counted_before": the event of its message id counted already, and nothing was put through."""
    settled_at: int
    """Microseconds since 1970 UTC."""


class RejectedLog(Protocol):
    """Keeps rejected events until they are archived."""

    async def append(self, records: Sequence[Rejection]) -> None:
        """Stores them durably, each once, however often it is asked to. Raises Retryable when it cannot."""
        ...
