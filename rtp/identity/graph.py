"""The identity graph's port."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from rtp.identity.types import Customer, Dossier, Evidence, Identifier, Merge


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
    """Whose events with these identifiers and this partition key are from now on."""
    epochs: tuple[str, ...] = ()
    """Log positions at which the partition key's fragments were closed (see rtp.identity.rules), oldest first."""
    person: str = ""
    """Of a shared device: the partition key of the identifier that says who used it (see rtp.identity.fragments)."""


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

    async def dossier(self, customer_id: str) -> Dossier | None:
        """The customer with all evidence, followed through merges; None if unknown."""
        ...

    async def link(self, links: Sequence[Link]) -> list[Linked]:
        """Makes identifiers, and the fragment of the partition key, one customer, merging where the rules allow.

        In order; one round trip where everything is linked already. See rtp.identity.rules for the rules.
        """
        ...

    async def undo(self, merge_id: str, evidence: Evidence) -> Merge:
        """Takes a merge back: both customers have again what was theirs, and are not merged again.

        What came since goes with the identifier that it was seen with. Doing it again changes nothing, and finishes
        what a crash left undone. Raises NotFound for a merge there is not, Rejected for one that never took effect.
        """
        ...

    async def apart(self) -> list[tuple[str, str]]:
        """Pairs of customers that undoing a merge has set apart: they cannot be linked, whoever says so."""
        ...

    async def stale(self) -> list[str]:
        """Customers whose `stale` is not empty, whoever merged them."""
        ...

    async def forget_stale(self, customer: Customer) -> None:
        """Says that the rows of `customer.stale` have been replaced."""
        ...

    async def seed(self, rows: Sequence[tuple[str, Sequence[Identifier]]], evidence: Evidence) -> int:
        """Loads (customer id, identifiers) of the batch build; returns how many customers are new."""
        ...
