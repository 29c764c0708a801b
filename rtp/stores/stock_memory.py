"""Stock in this process's memory: for tests, and to look at what the rules do without a Redis."""

from collections.abc import Mapping, Sequence

import msgspec

from rtp.inventory.available import Availability, availability
from rtp.inventory.ledger import Change, Pair, StockLedger
from rtp.inventory.state import StockState


class MemoryStock(StockLedger):
    """The StockStore without durability; one event loop only."""

    def __init__(self, *, freshness: int) -> None:
        super().__init__(freshness=freshness)
        self._states: dict[Pair, StockState] = {}
        self._mirror: dict[Pair, Availability] = {}

    async def _read(self, pairs: Sequence[Pair]) -> list[StockState]:
        return [self._states.get(pair, StockState()) for pair in pairs]

    async def _update(self, changes: Mapping[Pair, Change], *, now: int) -> dict[Pair, StockState]:
        changed = {}
        for pair, change in changes.items():
            before = self._states.get(pair, StockState())
            after = change(before)
            if after is not before:
                after = msgspec.structs.replace(after, version=before.version + 1)
                self._states[pair] = changed[pair] = after
                self._mirror[pair] = availability(after, now)
        return changed

    async def _all_summaries(self, store_id: str) -> Mapping[str, Availability]:
        return {product: each for (store, product), each in self._mirror.items() if store == store_id}

    async def _summaries(self, store_id: str, product_ids: Sequence[str]) -> list[Availability | None]:
        return [self._mirror.get((store_id, product_id)) for product_id in product_ids]
