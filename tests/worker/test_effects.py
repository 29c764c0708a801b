"""Orders take from the stock together where they can, and each fails by itself."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from rtp.clock import from_micros
from rtp.errors import Rejected
from rtp.inventory.stock import StockStore
from rtp.profile.effects import Effect
from rtp.worker.effects import StockHandler
from tests.making import NOON


class Counter:
    """Notes which orders are being committed at the same time."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.together: list[tuple[str, ...]] = []
        self.done: list[str] = []

    async def commit(self, order: str, _store: str, quantities: Mapping[str, int], **_more: Any) -> None:
        self.running.append(order)
        await asyncio.sleep(0)
        self.together.append(tuple(self.running))
        await asyncio.sleep(0)
        self.running.remove(order)
        if "unknown" in quantities:
            raise Rejected("No such product.", reason="UNKNOWN_PRODUCT")
        self.done.append(order)


def order(name: str, *products: str, store: str = "s1") -> Effect:
    payload = {"order_id": name, "store_id": store, "quantities": dict.fromkeys(products, 1)}
    return Effect(effect_id=name, kind="stock", payload=payload)


async def committed(*orders: Effect) -> tuple[Counter, list[BaseException | None]]:
    counter = Counter()
    handler = StockHandler(cast("StockStore", counter), lambda: from_micros(NOON))
    failures = await asyncio.gather(*(handler("c1", [each]) for each in orders), return_exceptions=True)
    return counter, failures


async def test_orders_of_different_products_or_stores_are_committed_together() -> None:
    counter, _ = await committed(order("o1", "a"), order("o2", "b", "c"), order("o3", "a", store="s2"))
    assert counter.together[0] == ("o1", "o2", "o3")


async def test_orders_that_share_a_product_are_committed_in_their_order() -> None:
    counter, _ = await committed(order("o1", "a"), order("o2", "a", "b"), order("o3", "b"), order("o4", "c"))
    assert counter.together[:2] == [("o1", "o4")] * 2
    assert counter.done == ["o1", "o4", "o2", "o3"]


async def test_an_order_that_is_refused_harms_no_other() -> None:
    counter, failures = await committed(order("o1", "a"), order("o2", "unknown"), order("o3", "a"))
    assert [type(each) for each in failures] == [type(None), Rejected, type(None)]
    assert counter.done == ["o1", "o3"]
