"""The online feature store's port: Feast's project `rtp`, read and written without Feast's SDK."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rtp.features.values import FeatureRow, FeatureValue

EntityKey = Mapping[str, str]
"""Join key to value: {"customer_id": …}, {"product_id": …} or {"store_id": …, "product_id": …}."""

EVENT_TIME = "_ts"
"""Read as "view:_ts": the event time of the view's row in microseconds, None where the view holds nothing."""


class OnlineStore(Protocol):
    """Reads and writes the hashes that Feast's SDK reads and writes."""

    async def read(self, entities: Sequence[EntityKey], features: Sequence[str]) -> list[dict[str, FeatureValue]]:
        """One dict an entity, keyed "view:feature"; a view that holds nothing for an entity gives None.

        `features` are "view:feature" names. An entity may carry the keys of several kinds of entity; one that lacks
        a key that a feature needs raises Rejected, as does an unknown feature. Times come in whole seconds.
        """
        ...

    async def write(self, view: str, rows: Sequence[tuple[EntityKey, int, FeatureRow]]) -> int:
        """Writes (entity, event time in µs, values) where not older than what is there; returns how many it wrote.

        A row replaces the whole row of its view: a feature it does not name becomes unknown.
        """
        ...
