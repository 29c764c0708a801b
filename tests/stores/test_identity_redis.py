"""What the identity graph costs on Redis."""

from typing import Any

import redis.asyncio

from rtp.identity.graph import Link
from rtp.identity.identifiers import strongest_first
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.stores.identity_redis import RedisIdentityGraph
from tests.making import KEYS, NOON

KIOSK = Identifier(IdentifierType.DEVICE, "kiosk")


class CountingRedis:
    """Counts round trips, and the commands in them."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self.trips, self.commands = 0, 0

    def __getattr__(self, name: str) -> Any:
        self.trips, self.commands = self.trips + 1, self.commands + 1
        return getattr(self._client, name)

    def pipeline(self, *, transaction: bool) -> Any:
        pipeline = self._client.pipeline(transaction=transaction)
        execute = pipeline.execute

        async def counted(**options: Any) -> Any:
            self.trips, self.commands = self.trips + 1, self.commands + len(pipeline)
            return await execute(**options)

        pipeline.execute = counted
        return pipeline


def claims(*shared: Identifier) -> list[Link]:
    links = []
    for number in range(50):
        user, email = (
            Identifier(IdentifierType.USER_ID, f"u{number}"),
            Identifier(IdentifierType.EMAIL, f"{number}@b.c"),
        )
        identifiers = strongest_first([user, email, *shared])
        links.append(Link(KEYS.partition_key(user), identifiers, Evidence("same_event", f"m{number}", NOON)))
    return links


async def cost(client: redis.asyncio.Redis, graph: RedisIdentityGraph, links: list[Link]) -> tuple[int, int]:
    counting = CountingRedis(client)
    graph._client = graph._merge._client = counting  # type: ignore[assignment]
    await graph.link(links)
    return counting.trips, counting.commands


async def test_what_is_linked_already_costs_one_round_trip_for_a_whole_batch(redis_client: redis.asyncio.Redis) -> None:
    graph = RedisIdentityGraph(redis_client, KEYS)
    await graph.link(claims())
    assert await cost(redis_client, graph, claims()) == (1, 150), "two identifiers and a customer, fifty times"
    stranger = RedisIdentityGraph(redis_client, KEYS)
    assert (await cost(redis_client, stranger, claims()))[0] == 2, "it has yet to learn whose they are"


async def test_unseen_shoppers_cost_four_round_trips_for_a_whole_batch(redis_client: redis.asyncio.Redis) -> None:
    graph = RedisIdentityGraph(redis_client, KEYS)
    await graph.link([Link("", (KIOSK,), Evidence("same_event", "m", NOON))])
    assert (await cost(redis_client, graph, claims()))[0] == 4


async def test_users_of_a_shared_kiosk_cost_one_round_trip_too(redis_client: redis.asyncio.Redis) -> None:
    graph = RedisIdentityGraph(redis_client, KEYS)
    await graph.link(claims(KIOSK))
    await graph.link(claims(KIOSK))
    assert await cost(redis_client, graph, claims(KIOSK)) == (1, 200)
