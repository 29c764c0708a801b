"""What every IdentityGraph does, whatever it is made of."""

import asyncio
import itertools
from typing import Any

import pytest
import redis.asyncio

from rtp.errors import NotFound
from rtp.identity.config import IdentityRules, Limit
from rtp.identity.fragments import fragment_at
from rtp.identity.graph import IdentityGraph, Link, Linked
from rtp.identity.identifiers import partitioning, strongest_first
from rtp.identity.types import Customer, Evidence, Identifier, IdentifierType, Merge
from rtp.stores.identity_keys import fragment_key, identifier_key
from rtp.stores.identity_redis import RedisIdentityGraph
from tests.making import KEYS, NOON

ANN, BOB = (Identifier(IdentifierType.USER_ID, name) for name in ("ann", "bob"))
EMAIL = Identifier(IdentifierType.EMAIL, "ann@shop.example")
LOYALTY = Identifier(IdentifierType.LOYALTY_ID, "L1")
DEVICE = Identifier(IdentifierType.ANONYMOUS_ID, "a1")


@pytest.fixture
def graph(redis_client: redis.asyncio.Redis) -> IdentityGraph:
    return RedisIdentityGraph(redis_client, KEYS)


UNDO = Evidence("undo", "tests", NOON + 1000)


def claim(*identifiers: Identifier, at: int = NOON) -> Link:
    ordered = strongest_first(identifiers)
    key = KEYS.partition_key(partitioning(ordered) or ordered[0])
    return Link(key, ordered, Evidence("same_event", f"m{at}", at))


async def link(graph: IdentityGraph, *identifiers: Identifier, at: int = NOON) -> Linked:
    return (await graph.link([claim(*identifiers, at=at)]))[0]


async def undo(graph: IdentityGraph, identifier: Identifier) -> Merge:
    """Undoes the only merge of a customer."""
    found = await graph.dossier(KEYS.customer_id(identifier))
    assert found is not None
    (merge,) = found.merges
    return await graph.undo(merge.merge_id, UNDO)


def plain(customer: Customer | None) -> tuple[object, ...]:
    """A customer without the counter of changes."""
    assert customer is not None
    return customer.customer_id, customer.fragments, customer.identifiers


async def everything(client: redis.asyncio.Redis) -> dict[bytes, object]:
    """All that Redis holds."""
    found: dict[bytes, object] = {}
    for key in await client.keys("*"):
        kind = await client.type(key)
        found[key] = await (client.hgetall(key) if kind == b"hash" else client.smembers(key))  # type: ignore[misc]
    return found


async def test_an_unseen_shopper_is_a_customer_named_by_the_strongest_identifier(graph: IdentityGraph) -> None:
    linked = await link(graph, ANN, EMAIL, DEVICE)
    assert linked.customer.customer_id == KEYS.customer_id(ANN)
    assert set(linked.customer.identifiers) == {ANN, EMAIL, DEVICE}
    assert linked.customer.fragments == (KEYS.partition_key(ANN),)
    for identifier in (ANN, EMAIL, DEVICE):
        assert await graph.resolve(identifier) == KEYS.customer_id(ANN)


async def test_nobody_is_resolved_to_nothing(graph: IdentityGraph) -> None:
    assert await graph.resolve(ANN) is None
    assert await graph.customer("c0") is None


async def test_a_login_merges_the_anonymous_shopper_and_forwards_it(graph: IdentityGraph) -> None:
    stranger = (await link(graph, DEVICE)).customer
    merged = (await link(graph, ANN, DEVICE)).customer
    assert merged.customer_id == KEYS.customer_id(ANN)
    assert set(merged.fragments) == {KEYS.partition_key(ANN), KEYS.partition_key(DEVICE)}
    assert await graph.resolve(DEVICE) == merged.customer_id
    assert await graph.customer(stranger.customer_id) == merged
    later = (await link(graph, DEVICE)).customer
    assert later.customer_id == merged.customer_id


async def test_evidence_of_a_merge_is_kept(graph: IdentityGraph) -> None:
    await link(graph, DEVICE)
    await link(graph, ANN, DEVICE, at=NOON + 5)
    found = await graph.dossier(KEYS.customer_id(DEVICE))
    assert found is not None
    (merge,) = found.merges
    assert (merge.loser, merge.survivor) == (KEYS.customer_id(DEVICE), KEYS.customer_id(ANN))
    assert merge.evidence == Evidence("same_event", f"m{NOON + 5}", NOON + 5)
    assert dict(found.identifiers)[DEVICE].at == NOON, "the device was the stranger's before"


async def test_a_device_two_users_log_in_on_belongs_to_neither_from_then_on(
    graph: IdentityGraph, redis_client: redis.asyncio.Redis
) -> None:
    await link(graph, ANN, DEVICE)
    device = KEYS.partition_key(DEVICE)
    await link(graph, DEVICE)
    await redis_client.hset(fragment_key(device), "w", "100-5")  # type: ignore[misc]
    await link(graph, BOB, DEVICE, at=NOON + 1)
    linked = await link(graph, DEVICE, at=NOON + 2)
    assert linked.customer.customer_id == KEYS.shared_id(DEVICE)
    assert linked.epochs == ("100-5",)
    assert [fragment_at(device, linked.epochs, each) for each in ("100-5", "100-6")] == [device, f"{device}.1"]
    ann, bob = await graph.customers([KEYS.customer_id(ANN), KEYS.customer_id(BOB)])
    assert ann is not None
    assert bob is not None
    assert set(ann.fragments) == {KEYS.partition_key(ANN), device}, "what came before stays with its evidence"
    assert bob.fragments == (KEYS.partition_key(BOB),)
    assert bob.identifiers == (BOB,)
    assert linked.customer.fragments == (f"{device}.1",)


async def test_a_shared_device_stays_shared_and_its_lists_stay_short(graph: IdentityGraph) -> None:
    people = [Identifier(IdentifierType.USER_ID, f"user{number}") for number in range(12)]
    for number, each in enumerate(people):
        await link(graph, each, DEVICE, at=NOON + number)
        linked = await link(graph, DEVICE, at=NOON + number)
    assert linked.customer.customer_id == KEYS.shared_id(DEVICE)
    assert linked.epochs == ("0-0",)
    assert linked.customer.identifiers == (DEVICE,)
    assert linked.customer.fragments == (f"{KEYS.partition_key(DEVICE)}.1",)
    for each in people[1:]:
        customer = await graph.customer(KEYS.customer_id(each))
        assert customer is not None
        assert customer.identifiers == (each,)


async def test_on_a_shared_tablet_each_person_has_a_fragment_of_their_own(graph: IdentityGraph) -> None:
    """The tablet's events carry its anonymous id and a loyalty card: they are partitioned by the tablet."""
    other = Identifier(IdentifierType.LOYALTY_ID, "L2")
    await link(graph, LOYALTY, DEVICE)
    first, second = await link(graph, other, DEVICE), await link(graph, LOYALTY, DEVICE)
    assert first.customer.customer_id == KEYS.customer_id(other)
    assert second.customer.customer_id == KEYS.customer_id(LOYALTY)
    device = KEYS.partition_key(DEVICE)
    places = {fragment_at(device, each.epochs, "200-0", each.person) for each in (first, second)}
    assert places == {f"{device}.{KEYS.partition_key(each)}" for each in (LOYALTY, other)}
    assert f"{device}.{KEYS.partition_key(other)}" in first.customer.fragments
    assert (await link(graph, other, DEVICE)) == first


async def test_an_identifier_over_the_limit_stays_a_customer_of_its_own(graph: IdentityGraph) -> None:
    devices = [Identifier(IdentifierType.ANONYMOUS_ID, f"d{number}") for number in range(7)]
    for each in devices:
        await link(graph, each)
        ann = await link(graph, ANN, each)
    assert set(ann.customer.identifiers) == {ANN, *devices[:5]}
    assert await graph.resolve(devices[6]) == KEYS.customer_id(devices[6])


async def test_linking_in_any_order_ends_with_the_same_customer(
    graph: IdentityGraph, redis_client: redis.asyncio.Redis
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
    roomy = IdentityRules(limits=dict.fromkeys(IdentifierType, Limit(limit=20)))
    graphs = [RedisIdentityGraph(redis_client, KEYS, roomy) for _ in range(4)]
    work = [link(graphs[number % 4], each) for number, each in enumerate(devices)]
    await asyncio.gather(*work)
    chain = [link(graphs[number % 4], LOYALTY if number % 2 else EMAIL, each) for number, each in enumerate(devices)]
    await asyncio.gather(*chain, link(graphs[0], ANN, EMAIL), link(graphs[1], ANN, LOYALTY))
    customer = await graphs[0].customer(KEYS.customer_id(ANN))
    assert customer is not None
    assert set(customer.identifiers) == {ANN, EMAIL, LOYALTY, *devices}
    assert {KEYS.partition_key(each) for each in devices} <= set(customer.fragments)


async def test_undoing_a_merge_gives_both_back_what_was_theirs(graph: IdentityGraph) -> None:
    stranger = (await link(graph, DEVICE)).customer
    ann = (await link(graph, ANN, EMAIL)).customer
    await link(graph, ANN, DEVICE)
    undone = await undo(graph, ANN)
    assert undone.undone == UNDO
    assert plain(await graph.customer(stranger.customer_id)) == plain(stranger)
    assert plain(await graph.customer(ann.customer_id)) == plain(ann)
    assert await graph.resolve(DEVICE) == stranger.customer_id
    for each in (stranger, ann):
        found = await graph.dossier(each.customer_id)
        assert found is not None
        assert found.merges == (undone,)


async def test_what_came_since_goes_with_the_identifier_it_was_seen_with(graph: IdentityGraph) -> None:
    await link(graph, DEVICE)
    await link(graph, ANN, DEVICE)
    await link(graph, LOYALTY, DEVICE)
    await link(graph, ANN, EMAIL)
    await undo(graph, ANN)
    assert await graph.resolve(LOYALTY) == KEYS.customer_id(DEVICE)
    assert await graph.resolve(EMAIL) == KEYS.customer_id(ANN)
    stranger, ann = await graph.customers([KEYS.customer_id(DEVICE), KEYS.customer_id(ANN)])
    assert stranger is not None
    assert ann is not None
    assert set(stranger.identifiers) == {DEVICE, LOYALTY}
    assert set(ann.identifiers) == {ANN, EMAIL}
    assert KEYS.partition_key(DEVICE) in stranger.fragments
    assert ann.fragments == (KEYS.partition_key(ANN),)


async def test_who_was_set_apart_is_not_merged_again(graph: IdentityGraph) -> None:
    await link(graph, DEVICE)
    await link(graph, ANN, DEVICE)
    await undo(graph, ANN)
    for _ in range(2):
        assert (await link(graph, ANN, DEVICE)).customer.identifiers == (ANN,)
        assert (await link(graph, DEVICE)).customer.customer_id == KEYS.customer_id(DEVICE)
    assert await graph.apart() == [(KEYS.customer_id(DEVICE), KEYS.customer_id(ANN))]
    await link(graph, BOB, DEVICE)
    assert await graph.resolve(DEVICE) == KEYS.customer_id(BOB), "others may still have it"
    await graph.link([Link("", (ANN, DEVICE), Evidence("batch", "records", NOON + 9))])
    assert await graph.resolve(DEVICE) == KEYS.customer_id(BOB)


async def test_what_was_taken_away_does_not_come_back_once_its_owner_is_forgotten(
    graph: IdentityGraph, redis_client: redis.asyncio.Redis
) -> None:
    await link(graph, DEVICE)
    await link(graph, ANN, DEVICE)
    await undo(graph, ANN)
    await redis_client.delete(identifier_key(KEYS.partition_key(DEVICE)))
    assert (await link(graph, ANN, DEVICE)).customer.identifiers == (ANN,)
    assert (await link(graph, DEVICE)).customer.customer_id == KEYS.customer_id(DEVICE)


async def test_a_merge_below_another_is_undone_in_both(graph: IdentityGraph) -> None:
    """The device went into the loyalty customer, and that one into Ann: only the first was wrong."""
    await link(graph, DEVICE)
    await link(graph, LOYALTY, EMAIL)
    await link(graph, LOYALTY, DEVICE, at=NOON + 1)
    await link(graph, ANN, LOYALTY, at=NOON + 2)
    found = await graph.dossier(KEYS.customer_id(ANN))
    assert found is not None
    below = next(each for each in found.merges if each.loser == KEYS.customer_id(DEVICE))
    await graph.undo(below.merge_id, UNDO)
    ann = await graph.customer(KEYS.customer_id(ANN))
    assert ann is not None
    assert set(ann.identifiers) == {ANN, EMAIL, LOYALTY}
    assert await graph.resolve(DEVICE) == KEYS.customer_id(DEVICE)
    await link(graph, ANN, DEVICE, at=NOON + 3)
    assert await graph.resolve(DEVICE) == KEYS.customer_id(DEVICE), "Ann is who it was set apart from"
    above = next(each for each in found.merges if each.loser != KEYS.customer_id(DEVICE))
    await graph.undo(above.merge_id, UNDO)
    by_email = await graph.customer(KEYS.customer_id(EMAIL))
    assert by_email is not None
    assert set(by_email.identifiers) == {EMAIL, LOYALTY}


async def test_undoing_again_changes_nothing(graph: IdentityGraph, redis_client: redis.asyncio.Redis) -> None:
    await link(graph, DEVICE)
    await link(graph, ANN, DEVICE)
    once = await undo(graph, ANN)
    before = await everything(redis_client)
    assert await graph.undo(once.merge_id, Evidence("undo", "somebody else", NOON + 99)) == once
    assert await everything(redis_client) == before


async def test_a_merge_that_there_is_not_is_said_to_be_unknown(graph: IdentityGraph) -> None:
    with pytest.raises(NotFound):
        await graph.undo("m000000000000000000000000", UNDO)


async def test_seeding_is_idempotent_and_counts_the_new(graph: IdentityGraph) -> None:
    rows = [(KEYS.customer_id(ANN), [ANN, EMAIL]), (KEYS.customer_id(BOB), [BOB])]
    evidence = Evidence("batch_feed", "customers", NOON)
    assert await graph.seed(rows, evidence) == 2
    assert await graph.seed(rows, evidence) == 0
    assert await graph.resolve(EMAIL) == KEYS.customer_id(ANN)


async def test_seeding_merges_what_live_events_had_apart(graph: IdentityGraph) -> None:
    await link(graph, EMAIL, DEVICE)
    await graph.seed([(KEYS.customer_id(ANN), [ANN, EMAIL])], Evidence("batch_feed", "customers", NOON))
    assert await graph.resolve(DEVICE) == KEYS.customer_id(ANN)


async def test_seeding_does_not_bring_back_what_was_taken_away(
    graph: IdentityGraph, redis_client: redis.asyncio.Redis
) -> None:
    await link(graph, DEVICE)
    await link(graph, ANN, DEVICE)
    await undo(graph, ANN)
    await redis_client.delete(identifier_key(KEYS.partition_key(DEVICE)))
    await graph.seed([(KEYS.customer_id(ANN), [ANN, EMAIL, DEVICE])], Evidence("batch_feed", "customers", NOON))
    ann = await graph.customer(KEYS.customer_id(ANN))
    assert ann is not None
    assert set(ann.identifiers) == {ANN, EMAIL}
