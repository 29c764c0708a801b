"""Several workers and an operator at once, on a handful of identifiers: each stays one customer's."""

import asyncio
import random
from collections import defaultdict
from contextlib import suppress

import pytest
import redis.asyncio

from rtp.errors import Retryable
from rtp.identity.graph import Link
from rtp.identity.identifiers import partitioning, strongest_first
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.stores import identity_undo
from rtp.stores.identity_keys import identifier_key
from rtp.stores.identity_redis import RedisIdentityGraph
from tests.making import KEYS

UNDO = Evidence("undo", "tests", 1)
NAMES = {
    IdentifierType.USER_ID: ("u1", "u2"),
    IdentifierType.EMAIL: ("a@b.test", "c@b.test", "d@b.test"),
    IdentifierType.LOYALTY_ID: ("L1", "L2"),
    IdentifierType.ANONYMOUS_ID: ("a1", "a2", "a3"),
}
EVERYBODY = [Identifier(kind, name) for kind, names in NAMES.items() for name in names]


async def work(graph: RedisIdentityGraph, name: int, rng: random.Random) -> None:
    for number in range(12):
        drawn = {each.type: each for each in rng.sample(EVERYBODY, rng.choice((1, 2, 2, 3)))}
        identifiers = strongest_first(set(drawn.values()))
        key = KEYS.partition_key(partitioning(identifiers) or identifiers[0])
        link, linked = Link(key, identifiers, Evidence("same_event", f"m{name}.{number}", number)), False
        while not linked:
            with suppress(Retryable):  # as the worker does: the same again
                linked = bool(await graph.link([link]))


async def undo_something(graph: RedisIdentityGraph, rng: random.Random) -> None:
    for _ in range(2):
        owners = {owner for each in EVERYBODY if (owner := await graph.resolve(each))}
        found = [await graph.dossier(each) for each in sorted(owners)]
        merges = [merge for each in found if each for merge in each.merges if not merge.undone]
        if merges:
            await graph.undo(rng.choice(merges).merge_id, UNDO)


@pytest.mark.parametrize("seed", range(3))
async def test_everything_stays_one_customers(
    redis_client: redis.asyncio.Redis, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_undo, "GRACE_SECONDS", 0.1)
    rng, graphs = random.Random(seed), [RedisIdentityGraph(redis_client, KEYS) for _ in range(4)]
    await asyncio.gather(*(work(graph, name, rng) for name, graph in enumerate(graphs)), undo_something(graphs[0], rng))
    owners = defaultdict(list)
    for key in await redis_client.keys("rtp:{c*"):
        fields = await redis_client.hgetall(key)  # type: ignore[misc]
        for field in fields if b"into" not in fields else ():
            if field.startswith((b"f:", b"i:")):
                owners[field.decode()].append(key.decode()[5:-1])
    for each in EVERYBODY:
        shared = await redis_client.hexists(identifier_key(KEYS.partition_key(each)), "s")  # type: ignore[misc]
        if not shared and (owner := await graphs[1].resolve(each)):
            assert owners[f"i:{each.type}:{each.value}"] == [owner]
    assert all(len(names) == 1 for field, names in owners.items() if field.startswith("f:"))
