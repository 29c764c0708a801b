"""Work on Redis from an asset: a client for this long, closed whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis

from rtp import wiring
from rtp.settings import Settings
from rtp.stores.outage import answer_of, outage_is_retryable

T = TypeVar("T")


async def answering(client: Redis) -> None:
    """Raises Retryable where Redis does not answer."""
    with outage_is_retryable("being asked whether it is there"):
        await answer_of(client.ping())


def on_redis(settings: Settings, work: Callable[[Redis], Awaitable[T]]) -> T:
    """What `work` gives."""

    async def run() -> T:
        async with wiring.redis_opened(settings) as client:
            return await work(client)

    return asyncio.run(run())
