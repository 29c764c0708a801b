"""Concurrent requests share one durable write: that is what keeps `appendfsync always` fast."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from rtp.serving.ports import Ports
from rtp.settings import Settings
from rtp.wiring import event_log

REQUESTS = 200


@pytest.fixture
def api_settings(settings: Settings, redis_url: str) -> Settings:
    """One partition, so that each durable write is one call of the script that appends."""
    return msgspec.structs.replace(settings, redis_url=redis_url, partitions=1)


async def appends(redis_client: Any) -> int:
    stats = await redis_client.info("commandstats")
    return sum(int(stats[name]["calls"]) for name in ("cmdstat_evalsha", "cmdstat_eval") if name in stats)


async def test_many_requests_at_once_make_few_durable_writes(
    writer: httpx.AsyncClient, ports: Ports, redis_client: Any
) -> None:
    assert (await redis_client.config_get("appendfsync"))["appendfsync"] == "always"
    await redis_client.config_resetstat()

    async def track(number: int) -> int:
        event = {"userId": f"u{number}", "messageId": f"m{number}", "event": "Product Viewed"}
        return (await writer.post("/v1/track", json=event)).status_code

    answers = await asyncio.gather(*map(track, range(REQUESTS)))
    assert set(answers) == {200}
    assert (await event_log(ports.settings, redis_client).accounting()).accepted == REQUESTS
    assert await appends(redis_client) <= REQUESTS / 10


async def test_a_request_alone_is_written_at_once(writer: httpx.AsyncClient, redis_client: Any) -> None:
    await redis_client.config_resetstat()
    for number in range(3):
        event = {"userId": "u1", "messageId": f"m{number}", "event": "Product Viewed"}
        assert (await writer.post("/v1/track", json=event)).status_code == 200
        assert await redis_client.xlen("rtp:{events:0}") == number + 1
