"""The API's ports on the stores that wiring chooses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from rtp import wiring
from rtp.clock import system_clock
from rtp.inventory.live import stock_live
from rtp.profile.projector import Projector
from rtp.profile.suppression import SuppressingSink
from rtp.serving.ports import Ports, Readiness
from rtp.settings import Settings
from rtp.stores.keyring import load_keyring


@asynccontextmanager
async def open_ports(settings: Settings) -> AsyncIterator[Ports]:
    """The ports, opened for as long as the context lasts; Redis need not be up yet."""
    client = wiring.redis_client(settings)
    knowledge = wiring.knowledge(settings)
    consent, online, graph = (
        wiring.consent(client),
        wiring.online_store(client),
        wiring.identity_graph(settings, client),
    )
    suppressed = wiring.suppression(client)
    watching = [asyncio.create_task(each) for each in (knowledge.watch(), suppressed.watch())]
    try:
        yield Ports(
            settings=settings,
            keyring=load_keyring(settings),
            keyed_hash=wiring.keyed_hash(settings),
            spelling=wiring.identity_rules(settings).spelling,
            clock=system_clock,
            log=SuppressingSink(wiring.event_log(settings, client), wiring.suppression_check(settings, suppressed)),
            rejected=wiring.rejected_log(client),
            stock=wiring.stock_store(settings, client, listener=stock_live(online)),
            movements=wiring.record_stream(client, "movements"),
            graph=graph,
            consent=consent,
            online=online,
            projector=Projector(graph, wiring.fragment_store(client), online, system_clock),
            decider=wiring.decider(
                settings, client, consent_of=consent.read, online=online, knowledge=knowledge, clock=system_clock
            ),
            history=wiring.history(settings, client),
            records=wiring.held_records(settings),
            erasure=wiring.erasure(settings, client, suppressed=suppressed),
            regulations=wiring.regulations(client),
            readiness=_readiness(client),
        )
    finally:
        for each in watching:
            each.cancel()
        await client.aclose()


def _readiness(client: Redis) -> Readiness:
    async def look() -> dict[str, str]:
        try:
            await client.echo("")
        except (RedisError, OSError):
            return {"redis": "does not answer"}
        return {"redis": ""}

    return look
