"""The identity graph on Redis."""

import asyncio
import itertools
from typing import Any

import pytest
import redis.asyncio

from rtp.identity.fragments import fragment_at
from rtp.identity.graph import Link, Linked
from rtp.identity.identifiers import partitioning, strongest_first
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.stores.identity_keys import fragment_key
from rtp.stores.identity_redis import RedisIdentityGraph
from tests.making import KEYS, NOON

ANN, BOB = (Identifier(IdentifierType.USER_ID, name) for name in ("ann", "bob"))
EMAIL = Identifier(IdentifierType.EMAIL, "ann@shop.example")
LOYALTY = Identifier(IdentifierType.LOYALTY_ID, "L1")
DEVICE = Identifier(IdentifierType.ANONYMOUS_ID, "a1")


@pytest.fixture
def graph(redis_client: redis.asyncio.Redis) -> RedisIdentityGraph:
    return RedisIdentityGraph(redis_client, KEYS)


def claim(*identifiers: Identifier, at: int = NOON) -> Link:
    ordered = strongest_first(identifiers)
    key = KEYS.partition_key(partitioning(ordered) or ordered[0])
    return Link(key, ordered, Evidence("same_event", f"m{at}", at))


async def link(graph: RedisIdentityGraph, *identifiers: Identifier, at: int = NOON) -> Linked:
    return (await graph.link([claim(*identifiers, at=at)]))[0]


async def test_an_unseen_shopper_is_a_customer_named_by_the_strongest_identifier(graph: RedisIdentityGraph) -> None:
    linked = await link(graph, ANN, EMAIL, DEVICE)
    assert linked.customer.customer_id == KEYS.customer_id(ANN)
    assert set(linked.customer.identifiers) == {ANN, EMAIL, DEVICE}
    assert linked.customer.fragments == (KEYS.partition_key(ANN),)
    for identifier in (ANN, EMAIL, DEVICE):
        assert await graph.resolve(identifier) == KEYS.customer_id(ANN)


async def test_nobody_is_resolved_to_nothing(graph: RedisIdentityGraph) -> None:
    assert await graph.resolve(ANN) is None
    assert await graph.customer("c0") is None


async def test_a_login_merges_the_anonymous_shopper_and_forwards_it(graph: RedisIdentityGraph) -> None:
    stranger = (await link(graph, DEVICE)).customer
    merged = (await link(graph, ANN, DEVICE)).customer
    assert merged.customer_id == KEYS.customer_id(ANN)
    assert set(merged.fragments) == {KEYS.partition_key(ANN), KEYS.partition_key(DEVICE)}
    assert await graph.resolve(DEVICE) == merged.customer_id
    assert await graph.customer(stranger.customer_id) == merged
    later = (await link(graph, DEVICE)).customer
    assert later.customer_id == merged.customer_id


async def test_evidence_of_a_merge_is_kept(graph: RedisIdentityGraph, redis_client: redis.asyncio.Redis) -> None:
    await link(graph, DEVICE)
    await link(graph, ANN, DEVICE, at=NOON + 5)
    proof = await redis_client.hget(f"rtp:{{{KEYS.customer_id(ANN)}}}", f"m:{KEYS.customer_id(DEVICE)}")  # type: ignore[misc]
    assert proof is not None
    assert f"m{NOON + 5}".encode() in proof


async def test_a_known_link_costs_one_round_trip(graph: RedisIdentityGraph, redis_client: redis.asyncio.Redis) -> None:
    await link(graph, ANN, EMAIL, DEVICE)
    before = await redis_client.info("commandstats")
    await link(graph, ANN, EMAIL, DEVICE)
    after = await redis_client.info("commandstats")
    grown = {name for name in after if after[name]["calls"] > before.get(name, {"calls": 0})["calls"]}
    assert grown <= {"cmdstat_hget", "cmdstat_hgetall", "cmdstat_info"}
    assert after["cmdstat_hgetall"]["calls"] - before["cmdstat_hgetall"]["calls"] == 1


async def test_a_shared_device_belongs_to_the_newest_login_from_then_on(
    graph: RedisIdentityGraph, redis_client: redis.asyncio.Redis
) -> None:
    await link(graph, ANN, DEVICE)
    device = KEYS.partition_key(DEVICE)
    await link(graph, DEVICE)
    await redis_client.hset(fragment_key(device), "w", "100-5")  # type: ignore[misc]
    await link(graph, BOB, DEVICE, at=NOON + 1)
    linked = await link(graph, DEVICE, at=NOON + 2)
    assert linked.customer.customer_id == KEYS.customer_id(BOB)
    assert linked.epochs == ("100-5",)
    assert [fragment_at(device, linked.epochs, each) for each in ("100-5", "100-6")] == [device, f"{device}.1"]
    ann = await graph.customer(KEYS.customer_id(ANN))
    bob = await graph.customer(KEYS.customer_id(BOB))
    assert ann is not None
    assert bob is not None
    assert device in ann.fragments
    assert f"{device}.1" not in ann.fragments
    assert f"{device}.1" in bob.fragments
    assert device not in bob.fragments


async def test_an_older_login_that_comes_late_does_not_take_the_device_back(graph: RedisIdentityGraph) -> None:
    await link(graph, ANN, DEVICE)
    await link(graph, BOB, DEVICE, at=NOON + 9)
    await link(graph, ANN, DEVICE, at=NOON + 8)
    assert await graph.resolve(DEVICE) == KEYS.customer_id(BOB)


async def test_linking_in_any_order_ends_with_the_same_customer(
    graph: RedisIdentityGraph, redis_client: redis.asyncio.Redis
) -> None:
    claims = [claim(DEVICE), claim(EMAIL, DEVICE), claim(LOYALTY), claim(LOYALTY, EMAIL), claim(ANN, LOYALTY)]
    seen: set[Any] = set()
    for order in itertools.islice(itertools.permutations(claims), 0, None, 11):
        await redis_client.flushall()
        fresh = RedisIdentityGraph(redis_client, KEYS)
        await fresh.link(order)
        customer = await fresh.customer(KEYS.customer_id(ANN))
        assert customer is not None
        seen.add((customer.customer_id, customer.identifiers, customer.fragments))
        assert {await fresh.resolve(each) for each in (ANN, EMAIL, LOYALTY, DEVICE)} == {customer.customer_id}
    assert len(seen) == 1


async def test_many_linkers_at_once_lose_nothing(redis_client: redis.asyncio.Redis) -> None:
    devices = [Identifier(IdentifierType.ANONYMOUS_ID, f"d{number}") for number in range(12)]
    graphs = [RedisIdentityGraph(redis_client, KEYS) for _ in range(4)]
    work = [link(graphs[number % 4], each) for number, each in enumerate(devices)]
    await asyncio.gather(*work)
    chain = [link(graphs[number % 4], LOYALTY if number % 2 else EMAIL, each) for number, each in enumerate(devices)]
    await asyncio.gather(*chain, link(graphs[0], ANN, EMAIL), link(graphs[1], ANN, LOYALTY))
    customer = await graphs[0].customer(KEYS.customer_id(ANN))
    assert customer is not None
    assert set(customer.identifiers) == {ANN, EMAIL, LOYALTY, *devices}
    assert {KEYS.partition_key(each) for each in devices} <= set(customer.fragments)


async def test_seeding_is_idempotent_and_counts_the_new(graph: RedisIdentityGraph) -> None:
    rows = [(KEYS.customer_id(ANN), [ANN, EMAIL]), (KEYS.customer_id(BOB), [BOB])]
    evidence = Evidence("batch_feed", "customers", NOON)
    assert await graph.seed(rows, evidence) == 2
    assert await graph.seed(rows, evidence) == 0
    assert await graph.resolve(EMAIL) == KEYS.customer_id(ANN)


async def test_seeding_merges_what_live_events_had_apart(graph: RedisIdentityGraph) -> None:
    await link(graph, EMAIL, DEVICE)
    await graph.seed([(KEYS.customer_id(ANN), [ANN, EMAIL])], Evidence("batch_feed", "customers", NOON))
    assert await graph.resolve(DEVICE) == KEYS.customer_id(ANN)
