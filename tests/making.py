"""Builders that several rooms' tests share."""

from collections.abc import Iterable
from typing import Any

from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import Spelling
from rtp.identity.types import Identifier, IdentifierType
from rtp.profile.suppression import SuppressionCheck
from rtp.signals.event import Event

NOON = 1_767_268_800_000_000
"""2026-01-01 12:00 UTC, in microseconds."""
SECOND = 1_000_000
DAY = 86_400 * SECOND
KEYS = KeyedHash(b"a secret of the tests")


def event(message_id: str = "m1", name: str = "Product Viewed", **changes: Any) -> Event:
    """A track event of user u1, unless told otherwise."""
    fields: dict[str, Any] = {
        "message_id": message_id,
        "type": "track",
        "name": name,
        "occurred_at": NOON,
        "received_at": NOON,
        "user_id": "u1",
    }
    return Event(**(fields | changes))


def user_key(user_id: str = "u1") -> str:
    """The partition key of a user id."""
    return KEYS.partition_key(Identifier(IdentifierType.USER_ID, user_id))


class SuppressedDigests(frozenset[str]):
    """A suppression list that is known from the start; empty, it keeps nobody out."""

    async def ready(self) -> None:
        """It is."""

    def holds(self, digests: Iterable[str]) -> bool:
        return not self.isdisjoint(digests)


def keeps_out(*identifiers: Identifier) -> SuppressionCheck:
    """A check that knows these people as erased."""
    return SuppressionCheck(SuppressedDigests(map(KEYS.suppression, identifiers)), KEYS, spelling=Spelling())
