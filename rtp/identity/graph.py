"""The identity graph's port."""

from collections.abc import Sequence
from typing import Protocol

from rtp.identity.types import Customer, Evidence, Identifier


class IdentityGraph(Protocol):
    """Which identifiers are one customer. Every call is idempotent."""

    async def resolve(self, identifier: Identifier) -> str | None:
        """The customer id an identifier belongs to, or None."""
        ...

    async def customer(self, customer_id: str) -> Customer | None:
        """The customer, followed through merges; None if unknown."""
        ...

    async def link(self, partition_key: str, identifiers: Sequence[Identifier], evidence: Evidence) -> Customer:
        """Makes the fragment and the identifiers one customer, merging where they were several."""
        ...

    async def seed(self, rows: Sequence[tuple[str, Sequence[Identifier]]], evidence: Evidence) -> int:
        """Loads (customer id, identifiers) of the batch build; what is linked stays; returns how many are new."""
        ...
