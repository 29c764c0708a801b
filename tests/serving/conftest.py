"""The API on a real Redis, called through ASGI in the test's own event loop."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from rtp.decisioning.catalog import Catalog
from rtp.profile.effects import TriggerRule
from rtp.profile.projector import Projector
from rtp.profile.suppression import SuppressionCheck
from rtp.serving.app import create_app
from rtp.serving.assemble import open_ports
from rtp.serving.ports import Ports
from rtp.settings import Settings
from rtp.signals.log import WORKER_GROUP
from rtp.stores.fragments_redis import RedisFragments, RedisOrderClaims
from rtp.stores.keyring import Keyring, load_keyring
from rtp.stores.models import save_catalog
from rtp.stores.suppression import RedisSuppression
from rtp.wiring import event_log
from rtp.worker.effects import EffectDrain
from rtp.worker.processing import Processor, ProcessorSettings
from tests.serving import processes

api, small_catalog = processes.api, processes.small_catalog

PROBLEM = "application/problem+json"
Applied = Callable[[], Awaitable[int]]


@pytest.fixture
def api_settings(settings: Settings, redis_url: str) -> Settings:
    return msgspec.structs.replace(settings, redis_url=redis_url)


@pytest.fixture
def keyring(api_settings: Settings) -> Keyring:
    return load_keyring(api_settings)


@pytest.fixture
async def ports(api_settings: Settings) -> AsyncIterator[Ports]:
    async with open_ports(api_settings) as opened:
        yield opened


@pytest.fixture
async def http(ports: Ports) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    transport = httpx.ASGITransport(app=create_app(ports))
    async with httpx.AsyncClient(transport=transport, base_url="http://rtp.test") as client:
        yield client


@pytest.fixture
def writer(http: httpx.AsyncClient, keyring: Keyring) -> httpx.AsyncClient:
    """The client with the write key."""
    http.auth = httpx.BasicAuth(keyring.write, "")
    return http


@pytest.fixture
def server(http: httpx.AsyncClient, keyring: Keyring) -> httpx.AsyncClient:
    """The client with the server key."""
    http.headers["authorization"] = f"Bearer {keyring.server}"
    return http


def problem(answer: httpx.Response, status: int, reason: str = "") -> dict[str, object]:
    """The problem of an answer, which is as every problem must be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    body: dict[str, object] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert "Traceback" not in answer.text
    assert body.get("reason", "") == reason
    return body


@pytest.fixture
def with_catalog(api_settings: Settings, small_catalog: Catalog) -> None:
    """Use it before `ports`: the API then starts with a catalogue."""
    save_catalog(api_settings.models_dir, small_catalog)


@pytest.fixture
def applied(ports: Ports, redis_client: Redis) -> Applied:
    """Does the worker's work on everything in the log, once; gives how many events that were."""
    fragments = RedisFragments(redis_client)
    processor = Processor(
        graph=ports.graph,
        fragments=fragments,
        orders=RedisOrderClaims(redis_client),
        projector=Projector(ports.graph, fragments, ports.online, ports.clock),
        drain=EffectDrain({}, ports.rejected, ports.clock),
        rejected=ports.rejected,
        rule=TriggerRule(),
        settings=ProcessorSettings(ports.spelling, anonymous_ttl_days=90),
        suppressed=SuppressionCheck(RedisSuppression(redis_client), ports.keyed_hash, spelling=ports.spelling),
        clock=ports.clock,
    )

    log = event_log(ports.settings, redis_client)

    async def work() -> int:
        count = 0
        for partition in range(log.partitions):
            entries = await log.read(WORKER_GROUP, "test", partition, count=100, block_ms=0)
            entries = entries or await log.read(WORKER_GROUP, "test", partition, count=100, block_ms=0)
            verdicts = await processor.process(entries)
            await log.acknowledge(WORKER_GROUP, verdicts)
            count += len(verdicts)
        return count

    return work


@pytest.fixture
def shop(server: httpx.AsyncClient, keyring: Keyring) -> "Shop":
    return Shop(server, httpx.BasicAuth(keyring.write, ""))


class Shop:
    """Sends events with the write key, looks up with the server key."""

    def __init__(self, http: httpx.AsyncClient, writer: httpx.BasicAuth) -> None:
        self.http = http
        self._writer = writer

    async def send(self, call: str, **event: Any) -> None:
        answer = await self.http.post(f"/v1/{call}", json=event, auth=self._writer)
        assert answer.status_code == 200, answer.text

    async def profile(self, shopper: str, part: str = "") -> Any:
        answer = await self.http.get(f"/v1/profiles/{shopper}{part}")
        assert answer.status_code == 200, answer.text
        return answer.json()
