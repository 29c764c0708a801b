"""What every online store promises, run on the memory one and on Redis (each server version there is)."""

import asyncio
import random
from typing import Any

import pytest
from redis.asyncio import Redis

from rtp.errors import Rejected
from rtp.features.online import OnlineStore
from rtp.features.references import references_of
from rtp.features.views import CUSTOMER_LIVE, CUSTOMER_PROFILE
from rtp.stores.online_store import RedisOnlineStore
from tests.contracts.memory_online_store import MemoryOnlineStore

ALICE, BOB = {"customer_id": "c1"}, {"customer_id": "c2"}
AT = 1_790_000_000_123_456
ROW: dict[str, Any] = {
    "product_views_24h": 0,
    "events_total": -5,
    "cart_value": 2**62,
    "views_decayed_7d": 0.1,
    "last_view_at": 1_790_000_000_000_000,
    "cart_products": ["7", "", "ü"],
    "last_products": [],
    "current_channel": "store",
    "current_store_id": "",
}
LIVE = references_of([CUSTOMER_LIVE])


@pytest.fixture(params=["memory", "redis", "redis, remembering"])
def store(request: pytest.FixtureRequest, redis_client: Redis) -> OnlineStore:
    if request.param == "memory":
        return MemoryOnlineStore()
    return RedisOnlineStore(redis_client, remembered=20 if request.param == "redis, remembering" else 0)


async def live(store: OnlineStore, entity: dict[str, str], *names: str) -> list[Any]:
    [row] = await store.read([entity], [f"customer_live:{name}" for name in names])
    return [row[f"customer_live:{name}"] for name in names]


async def test_what_was_written_is_read(store: OnlineStore) -> None:
    assert await store.write("customer_live", [(ALICE, AT, ROW)]) == 1
    [row] = await store.read([ALICE], LIVE)
    assert row == {reference: ROW.get(reference.partition(":")[2]) for reference in LIVE}


async def test_nothing_is_known_of_who_was_never_written(store: OnlineStore) -> None:
    await store.write("customer_live", [(ALICE, AT, ROW)])
    [row] = await store.read([BOB], LIVE)
    assert set(row.values()) == {None}
    assert await live(store, BOB, "_ts") == [None]


async def test_views_of_one_entity_do_not_touch_each_other(store: OnlineStore) -> None:
    await store.write("customer_live", [(ALICE, AT, ROW)])
    await store.write("customer_profile", [(ALICE, AT - 1, {"orders_90d": 3})])
    wanted = ["customer_profile:orders_90d", "customer_live:events_total", "customer_profile:_ts", "customer_live:_ts"]
    assert await store.read([ALICE], wanted) == [dict(zip(wanted, [3, -5, AT - 1, AT], strict=True))]


async def test_an_older_row_changes_nothing_and_an_equal_one_is_written(store: OnlineStore) -> None:
    await store.write("customer_live", [(ALICE, AT, {"events_total": 2})])
    assert await store.write("customer_live", [(ALICE, AT - 1, {"events_total": 1})]) == 0
    assert await live(store, ALICE, "events_total", "_ts") == [2, AT]
    assert await store.write("customer_live", [(ALICE, AT, {"events_total": 3})]) == 1
    assert await live(store, ALICE, "events_total", "_ts") == [3, AT]


@pytest.mark.parametrize("step", [1, 999_999, 1_000_000, 60_000_000, 2**40])
async def test_newer_wins_by_the_microsecond_in_either_order(store: OnlineStore, step: int) -> None:
    base = 1_790_000_000_000_000
    for entity, order in ((ALICE, (base, base + step)), (BOB, (base + step, base))):
        for at in order:
            await store.write("customer_live", [(entity, at, {"cart_value": at})])
        assert await live(store, entity, "cart_value", "_ts") == [base + step, base + step]


async def test_a_row_replaces_the_whole_row(store: OnlineStore) -> None:
    await store.write("customer_live", [(ALICE, AT, ROW)])
    await store.write("customer_live", [(ALICE, AT + 1, {"events_total": 1})])
    assert await live(store, ALICE, "events_total", "cart_value", "last_view_at") == [1, None, None]


async def test_one_batch_may_hold_one_entity_several_times(store: OnlineStore) -> None:
    rows = [(ALICE, AT + n, {"events_total": n}) for n in (1, 3, 2)]
    assert await store.write("customer_live", rows) == 2
    assert await live(store, ALICE, "events_total") == [3]


async def test_concurrent_writers_leave_the_newest(store: OnlineStore) -> None:
    ages = random.Random(7).sample(range(40), 40)
    await asyncio.gather(*(store.write("customer_live", [(ALICE, AT - n, {"events_total": n})]) for n in ages))
    assert await live(store, ALICE, "events_total", "_ts") == [0, AT]


async def test_an_entity_of_two_keys_and_a_request_over_several_kinds(store: OnlineStore) -> None:
    both = {"store_id": "s1", "product_id": "7"}
    await store.write("stock_live", [(both, AT, {"available": 4})])
    await store.write("product_profile", [({"product_id": "7"}, AT, {"name": "Soup", "list_price": 2})])
    wanted = ["stock_live:available", "product_profile:name", "product_profile:list_price"]
    assert await store.read([both], wanted) == [dict(zip(wanted, [4, "Soup", 2.0], strict=True))]
    swapped = {"store_id": "7", "product_id": "s1"}
    assert await store.read([swapped], wanted[:1]) == [{wanted[0]: None}]


async def test_nothing_asked_or_written_is_nothing(store: OnlineStore) -> None:
    assert await store.write("customer_live", []) == 0
    assert await store.read([], LIVE) == []
    assert await store.read([ALICE], []) == [{}]


async def test_many_entities_come_back_in_their_order(store: OnlineStore) -> None:
    entities = [{"customer_id": f"c{n}"} for n in range(300)]
    await store.write("customer_live", [(entity, AT, {"events_total": n}) for n, entity in enumerate(entities)])
    rows = await store.read(entities[::-1], ["customer_live:events_total"])
    assert [row["customer_live:events_total"] for row in rows] == list(range(299, -1, -1))


async def test_missing_is_not_a_number(store: OnlineStore) -> None:
    await store.write("customer_live", [(ALICE, AT, {"views_decayed_7d": float("nan")})])
    assert await live(store, ALICE, "views_decayed_7d") == [None]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"nonsense": 1}, "UNKNOWN_FEATURE"),
        ({"events_total": "many"}, "WRONG_TYPE"),
        ({"events_total": True}, "WRONG_TYPE"),
        ({"cart_products": "7"}, "WRONG_TYPE"),
    ],
)
async def test_a_row_that_does_not_fit_its_view_is_refused_whole(
    store: OnlineStore, row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Rejected) as refusal:
        await store.write("customer_live", [(BOB, AT, ROW), (ALICE, AT, row)])
    assert refusal.value.reason == reason
    assert await live(store, BOB, "events_total") == [None]


@pytest.mark.parametrize(
    ("reference", "reason"),
    [("nonsense:a", "UNKNOWN_VIEW"), ("customer_live:nonsense", "UNKNOWN_FEATURE"), ("nonsense:_ts", "UNKNOWN_VIEW")],
)
async def test_unknown_features_are_refused_by_name(store: OnlineStore, reference: str, reason: str) -> None:
    with pytest.raises(Rejected) as refusal:
        await store.read([ALICE], [reference])
    assert refusal.value.reason == reason


async def test_a_missing_key_is_named(store: OnlineStore) -> None:
    with pytest.raises(Rejected) as refusal:
        await store.read([{"product_id": "7"}], ["stock_live:available"])
    assert refusal.value.reason == "MISSING_ENTITY_KEY"


def test_the_profile_has_no_private_columns() -> None:
    private = {"email", "phone", "attributes", "birth_date", "consent_personalization", "consent_ads"}
    assert not private & set(CUSTOMER_PROFILE.feature_names)
