"""The identity graph's port."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from rtp.identity.types import Customer, Evidence, Identifier


class Link(msgspec.Struct, frozen=True):
    """An event's claim that some identifiers are one person."""

    partition_key: str
    """Of the identifier that the event is partitioned by; "" where the claim comes from no event."""
    identifiers: tuple[Identifier, ...]
    """Strongest first, as `identifiers_of` gives them."""
    evidence: Evidence


class Linked(msgspec.Struct, frozen=True):
    """What a claim came to."""

    customer: Customer
    """Whose the partition key's events are from now on."""
    epochs: tuple[str, ...] = ()
    """Log positions at which the partition key's fragments were closed (see rtp.identity.rules), oldest first."""


class IdentityGraph(Protocol):
    """Which identifiers are one customer. Every call is idempotent and made of steps that may be repeated."""

    async def resolve(self, identifier: Identifier) -> str | None:
        """The customer id an identifier belongs to, or None."""
        ...

    async def customer(self, customer_id: str) -> Customer | None:
        """The customer, followed through merges; None if unknown."""
        ...

    async def customers(self, customer_ids: Sequence[str]) -> list[Customer | None]:
        """Several customers at once, in one round trip where none was merged away."""
        ...

    async def link(self, links: Sequence[Link]) -> list[Linked]:
        """Makes identifiers, and the fragment of the partition key, one customer, merging where the rules allow.

        In order; one round trip where everything is linked already. See rtp.identity.rules for the rules.
        """
        ...

    async def seed(self, rows: Sequence[tuple[str, Sequence[Identifier]]], evidence: Evidence) -> int:
        """Loads (customer id, identifiers) of the batch build; returns how many customers are new."""
        ...
