"""The fragment store's port."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from rtp.profile.fragment import Fragment


class Save(msgspec.Struct, frozen=True, kw_only=True):
    """A fragment to write if it is still what it was folded from."""

    fragment_id: str
    before: Fragment
    after: Fragment
    epochs: tuple[str, ...] = ()
    """Where the identity graph said that the partition key's fragments are closed."""
    ttl_days: int | None = None
    """The fragment is dropped after so long without a write; None keeps it."""


class FragmentStore(Protocol):
    """Keeps fragments; several workers on one cost a retry, never a lost update."""

    async def load(self, fragment_ids: Sequence[str], *, known: Mapping[str, Fragment] | None = None) -> list[Fragment]:
        """Fragments in one round trip; an unknown one is empty.

        Those `known` are compared by version, and read, in a second round trip, only where another has been written.
        """
        ...

    async def save(self, saves: Sequence[Save]) -> list[bool]:
        """Compares version, watermark and epochs, then sets, each fragment atomically; False where it has changed.

        A fragment saved has the version after the one before.
        """
        ...

    async def clear(self, drained: Sequence[tuple[str, int]]) -> None:
        """Forgets the pending effects of (fragment id, version), unless it was written again since."""
        ...


class OrderClaims(Protocol):
    """Which event has counted an order."""

    async def claim(self, claims: Sequence[tuple[str, str]]) -> list[bool]:
        """(order id, claimant) pairs: True for the first claimant of an order, however often it asks."""
        ...
