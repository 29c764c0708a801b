"""What every StockStore does, whatever it is made of."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
import redis.asyncio

from rtp.inventory.ledger import StockLedger
from rtp.inventory.live import stock_live
from rtp.inventory.stock import Count, Movement
from rtp.stores.connections import connect
from rtp.stores.stock_memory import MemoryStock
from rtp.stores.stock_redis import RedisStock

HOUR = 3_600_000_000
NOW = 500_000 * HOUR
FRESHNESS = 48 * HOUR


def moved(movement_id: str, kind: str, quantity: int, *, at: int = NOW, **more: object) -> Movement:
    values = {"store_id": "s1", "product_id": "p1"} | more
    return Movement(movement_id=movement_id, kind=kind, quantity=quantity, occurred_at=at, **values)


class StockContract:
    async def test_counts_and_movements_in_any_order(self, stock: StockLedger) -> None:
        assert await stock.apply([moved("m2", "sale", 2, at=NOW + 1)]) == 1
        assert await stock.apply([moved("m1", "count", 5), moved("m2", "sale", 2, at=NOW + 1)]) == 1
        seen = await stock.position("s1", "p1", now=NOW)
        assert seen is not None
        assert (seen.on_hand, seen.available, seen.as_of, seen.fresh) == (3, 3, NOW + 1, True)

    async def test_an_unknown_pair_is_none_and_screens_as_zero(self, stock: StockLedger) -> None:
        assert await stock.position("s1", "nowhere", now=NOW) is None
        assert await stock.screen("s1", ["nowhere"], now=NOW) == [0]
        assert await stock.screen_known("s1", ["nowhere"], now=NOW) == [None]
        assert await stock.screen("s1", [], now=NOW) == []
        assert await stock.apply([]) == 0

    async def test_the_mirror_follows_each_change(self, stock: StockLedger) -> None:
        await stock.apply([moved("m1", "count", 5), moved("m3", "count", 1, product_id="p2")])
        assert await stock.screen("s1", ["p2", "p1"], now=NOW) == [1, 5]
        await stock.reserve("s1", "p1", "r1", quantity=4, ttl_seconds=60, now=NOW)
        assert await stock.screen("s1", ["p1"], now=NOW) == [1]
        assert await stock.screen("s1", ["p1"], now=NOW + 61_000_000) == [5], "the reservation is over"
        assert await stock.screen_known("s1", ["p1"], now=NOW + FRESHNESS + 1) == [None], "the count is stale"

    async def test_a_transfer_changes_both_stores_once(self, stock: StockLedger) -> None:
        transfer = moved("m1", "transfer", 2, to_store_id="s2")
        assert await stock.apply([transfer]) == 1
        assert await stock.apply([transfer]) == 0
        here, there = await stock.positions([("s1", "p1"), ("s2", "p1")], now=NOW)
        assert here is not None
        assert there is not None
        assert (here.on_hand, here.available, there.on_hand) == (-2, 0, 2)

    async def test_reservation_commitment_shipment(self, stock: StockLedger) -> None:
        await stock.apply([moved("m1", "count", 3)])
        assert await stock.reserve("s1", "p1", "o1", quantity=2, ttl_seconds=60, now=NOW) == "created"
        assert await stock.reserve("s1", "p1", "o1", quantity=2, ttl_seconds=60, now=NOW) == "repeated"
        assert await stock.reserve("s1", "p1", "o2", quantity=2, ttl_seconds=60, now=NOW) == "out_of_stock"
        for _ in range(2):
            await stock.commit("o1", "s1", {"p1": 2}, now=NOW + 1)
        seen = await stock.position("s1", "p1", now=NOW + 1)
        assert seen is not None
        assert (seen.reserved, seen.committed, seen.available) == (0, 2, 1)
        await stock.apply([moved("m2", "sale", 2, at=NOW + 2, order_id="o1")])
        seen = await stock.position("s1", "p1", now=NOW + 2)
        assert seen is not None
        assert (seen.on_hand, seen.committed, seen.available) == (1, 0, 1)

    async def test_a_released_reservation_is_free_at_once(self, stock: StockLedger) -> None:
        await stock.apply([moved("m1", "count", 1)])
        await stock.reserve("s1", "p1", "r1", quantity=1, ttl_seconds=60, now=NOW)
        assert await stock.release("s1", "p1", "r1", now=NOW) is True
        assert await stock.release("s1", "p1", "r1", now=NOW) is False
        assert await stock.reserve("s1", "p1", "r2", quantity=1, ttl_seconds=60, now=NOW) == "created"

    async def test_what_running_reservations_hold_is_told_by_product(self, stock: StockLedger) -> None:
        await stock.apply([moved(f"m{n}", "count", 5, product_id=f"p{n}") for n in (1, 2, 3)])
        for name, seconds in (("r1", 60), ("r2", 600)):
            await stock.reserve("s1", "p1", name, quantity=1, ttl_seconds=seconds, now=NOW)
        await stock.reserve("s1", "p2", "r3", quantity=2, ttl_seconds=60, now=NOW)
        assert await stock.reserved("s1", now=NOW) == {"p1": 2, "p2": 2}
        assert await stock.reserved("s1", now=NOW + 61_000_000) == {"p1": 1}
        assert await stock.reserved("s2", now=NOW) == {}

    async def test_a_seed_lets_go_of_orders_that_left_and_of_no_others(self, stock: StockLedger) -> None:
        await stock.apply([moved("m1", "count", 9)])
        for order in ("left", "waits"):
            await stock.commit(order, "s1", {"p1": 2}, now=NOW + 1)
        # Built later: one order was shipped at NOW + 2, and something else was sold at NOW + 3.
        seed = Count(
            store_id="s1",
            product_id="p1",
            quantity=6,
            counted_at=NOW + 3,
            physical_at=NOW,
            settled=("left",),
            build="b1",
        )
        await stock.seed([seed])
        seen = await stock.position("s1", "p1", now=NOW + 3)
        assert seen is not None
        assert (seen.on_hand, seen.committed, seen.available) == (6, 2, 4)
        await stock.commit("left", "s1", {"p1": 2}, now=NOW + 4)
        later = msgspec.structs.replace(
            seed, quantity=10, counted_at=NOW + 5, physical_at=NOW + 5, settled=(), build="b2"
        )
        await stock.seed([later])
        seen = await stock.position("s1", "p1", now=NOW + 5)
        assert seen is not None
        assert (seen.on_hand, seen.committed) == (10, 0), "who counted the shelf saw what was still there"

    async def test_a_later_build_that_learned_of_more_stands_though_its_moment_is_the_same(
        self, stock: StockLedger
    ) -> None:
        first = Count(store_id="s1", product_id="p1", quantity=9, counted_at=NOW, build="20260101T000000-a")
        second = msgspec.structs.replace(first, quantity=10, build="20260101T000500-b")
        for count in (first, second, first):
            await stock.seed([count])
        assert await stock.screen("s1", ["p1"], now=NOW) == [10]
        assert await stock.seed([msgspec.structs.replace(second, build="20260101T001000-c")]) == 0, "nothing new"

    async def test_a_seed_can_be_repeated_and_never_overrules_what_is_newer(self, stock: StockLedger) -> None:
        counts = [
            Count(store_id=f"s{store}", product_id=f"p{number}", quantity=5, counted_at=NOW, safety_stock=1)
            for number in range(700)
            for store in (1, 2)
        ]
        await stock.apply([moved("m1", "sale", 2, at=NOW + 1), moved("m2", "count", 9, at=NOW + 1, product_id="p2")])
        assert await stock.seed(counts) == 1_400
        assert await stock.seed(counts) == 0
        assert await stock.screen("s1", ["p1", "p2", "p3"], now=NOW) == [2, 8, 4]


class TestMemory(StockContract):
    @pytest.fixture
    def stock(self) -> StockLedger:
        return MemoryStock(freshness=FRESHNESS)


class TestRedis(StockContract):
    @pytest.fixture
    def stock(self, redis_client: redis.asyncio.Redis) -> StockLedger:
        return RedisStock(redis_client, freshness=FRESHNESS)


async def test_one_unit_and_many_shoppers(redis_url: str) -> None:
    """Each shopper has a connection of their own, as separate processes have."""
    clients = [connect(redis_url) for _ in range(20)]
    try:
        await RedisStock(clients[0], freshness=FRESHNESS).apply([moved("m1", "count", 1)])
        outcomes = await asyncio.gather(
            *(
                RedisStock(client, freshness=FRESHNESS).reserve(
                    "s1", "p1", f"r{number}", quantity=1, ttl_seconds=60, now=NOW
                )
                for number, client in enumerate(clients)
            )
        )
        assert sorted(outcomes) == ["created"] + ["out_of_stock"] * 19
    finally:
        for client in clients:
            await client.aclose()


async def test_concurrent_movements_all_count(redis_client: redis.asyncio.Redis) -> None:
    stock = RedisStock(redis_client, freshness=FRESHNESS)
    await stock.apply([moved("m0", "count", 100)])
    await asyncio.gather(*(stock.apply([moved(f"sale{number}", "sale", 1, at=NOW + 1)]) for number in range(25)))
    seen = await stock.position("s1", "p1", now=NOW)
    assert seen is not None
    assert seen.on_hand == 75


class RecordingOnlineStore:
    def __init__(self) -> None:
        self.written: list[tuple[str, list[object]]] = []

    async def read(self, entities: Sequence[object], features: Sequence[str]) -> list[dict[str, object]]:
        raise NotImplementedError

    async def write(self, view: str, rows: Sequence[object]) -> int:
        self.written.append((view, list(rows)))
        return len(rows)


async def test_changes_become_features_of_stock_live(redis_client: redis.asyncio.Redis) -> None:
    online = RecordingOnlineStore()
    stock = RedisStock(redis_client, freshness=FRESHNESS, listener=stock_live(online))
    await stock.apply([moved("m1", "count", 5)])
    await stock.apply([moved("m1", "count", 5)])
    entity = {"store_id": "s1", "product_id": "p1"}
    values = {"on_hand": 5, "reserved": 0, "committed": 0, "safety_stock": 0, "available": 5, "as_of": NOW}
    assert online.written == [("stock_live", [(entity, NOW, values)])]
