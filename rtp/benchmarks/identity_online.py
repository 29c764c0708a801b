"""The identity graph on line, as API and worker ask it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

from rtp.benchmarks.result import Measure
from rtp.identity.graph import IdentityGraph, Link
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.stores.connections import connect
from rtp.stores.identity_redis import RedisIdentityGraph

AT_ONCE = 64
"""Look-ups under way together, as requests are."""
BATCH = 250
"""Events that the worker links together."""
KEYS = KeyedHash(b"benchmark, not a secret of anybody")
NOON = 1_767_268_800_000_000


async def online(url: str, customers: int) -> list[Measure]:
    """Links of shoppers nobody knows, links that change nothing, and look-ups, a second."""
    client = connect(url)
    try:
        graph = RedisIdentityGraph(client, KEYS)
        links = [_link(number) for number in range(customers)]
        return [
            Measure("customers", customers, "customers"),
            Measure("link_new", await _rate(links, graph.link), "events/s"),
            Measure("link_known", await _rate(links, graph.link), "events/s"),
            Measure("resolve", await _resolved(graph, links), "identifiers/s"),
        ]
    finally:
        await client.aclose()


def _link(number: int) -> Link:
    """An event of a shopper who is logged in, in a browser of their own."""
    identifiers = (
        Identifier(IdentifierType.USER_ID, f"u{number}"),
        Identifier(IdentifierType.EMAIL, f"u{number}@shop.example"),
        Identifier(IdentifierType.ANONYMOUS_ID, f"browser-{number}"),
    )
    return Link(KEYS.partition_key(identifiers[0]), identifiers, Evidence("same_event", f"m{number}", NOON))


async def _rate(links: Sequence[Link], work: Callable[[Sequence[Link]], Awaitable[object]]) -> int:
    started = perf_counter()
    for start in range(0, len(links), BATCH):
        await work(links[start : start + BATCH])
    return round(len(links) / (perf_counter() - started))


async def _resolved(graph: IdentityGraph, links: Sequence[Link]) -> int:
    """One identifier after the other in each of several tasks."""

    async def ask(part: Sequence[Link]) -> None:
        for link in part:
            await graph.resolve(link.identifiers[1])

    started = perf_counter()
    await asyncio.gather(*(ask(links[start::AT_ONCE]) for start in range(AT_ONCE)))
    return round(len(links) / (perf_counter() - started))
