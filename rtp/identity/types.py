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


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why two identifiers are one person."""

    rule: str
    """e.g. "same_event", "batch_feed"; of an undone merge "undo"."""
    source: str
    """The message id, or the feed's name and row; of an undone merge who asked for it."""
    at: int
    """Microseconds since 1970 UTC."""
    via: str = ""
    """The identifier it was seen with, "type:value", where it was attached for that."""


class Merge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One customer gone into another, and why; `undone` where that has been taken back."""

    merge_id: str
    survivor: str
    """The customer it went into."""
    loser: str
    """The customer that went into it."""
    evidence: Evidence
    undone: Evidence | None = None


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """One person as far as is known: a list of fragments, identifiers and what they consented to."""

    customer_id: str
    fragments: tuple[str, ...] = ()
    """Partition keys."""
    identifiers: tuple[Identifier, ...] = ()
    version: int = 0
    stale: tuple[str, ...] = ()
    """Customers merged into this one whose rows in the online store still say what they said before."""


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with the evidence for everything that is theirs."""

    customer: Customer
    shared_device: bool
    """True for the customer that stands for a shared device, and for no person."""
    identifiers: tuple[tuple[Identifier, Evidence], ...]
    fragments: tuple[tuple[str, Evidence], ...]
    merges: tuple[Merge, ...]
    """Of this customer and of those that went into it, oldest first; undone ones included."""
