"""The online feature store's port: Feast's project `rtp`, read and written without Feast's SDK."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rtp.features.values import FeatureRow, FeatureValue

EntityKey = Mapping[str, str]
"""Join key to value: {"customer_id": …}, {"product_id": …} or {"store_id": …, "product_id": …}."""


class OnlineStore(Protocol):
    """Reads and writes the hashes that Feast's SDK reads and writes."""

    async def read(self, entities: Sequence[EntityKey], features: Sequence[str]) -> list[dict[str, FeatureValue]]:
        """One dict an entity, keyed "view:feature"; a view that holds nothing for an entity gives None.

        `features` are "view:feature" names.
        """
        ...

    async def write(self, view: str, rows: Sequence[tuple[EntityKey, int, FeatureRow]]) -> int:
        """Writes (entity, event time in µs, values) where not older than what is there; returns how many it wrote."""
        ...
