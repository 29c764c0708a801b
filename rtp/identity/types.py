"""The words of identity."""

from enum import StrEnum

import msgspec


class IdentifierType(StrEnum):
    """Kinds of identifiers, strongest first: the order decides whose customer id survives a merge."""

    USER_ID = "user_id"
    EMAIL = "email"
    PHONE = "phone"
    LOYALTY_ID = "loyalty_id"
    CUSTOMER_REF = "customer_ref"
    CARD = "card"
    DEVICE = "device"
    ANONYMOUS_ID = "anonymous_id"


DEVICES = frozenset({IdentifierType.DEVICE, IdentifierType.ANONYMOUS_ID})
"""What names a thing that several people may use, and no person."""


class Identifier(msgspec.Struct, frozen=True, order=True):
    """A normalized identifier, as read; `customer_ref` is "<source>:<ref>", `card` the keyed hash of a card's token."""

    type: IdentifierType
    value: str


class Evidence(msgspec.Struct, frozen=True):
    """Why two identifiers are one person."""

    rule: str
    """e.g. "same_event", "batch_feed"."""
    source: str
    """The message id, or the feed's name and row."""
    at: int
    """Microseconds since 1970 UTC."""


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """One person as far as is known: a list of fragments, identifiers and what they consented to."""

    customer_id: str
    fragments: tuple[str, ...] = ()
    """Partition keys."""
    identifiers: tuple[Identifier, ...] = ()
    version: int = 0
