"""The API on a real Redis, called through ASGI in the test's own event loop."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from rtp.serving.app import create_app
from rtp.serving.assemble import open_ports
from rtp.serving.ports import Ports
from rtp.settings import Settings
from rtp.stores.keyring import Keyring, load_keyring

PROBLEM = "application/problem+json"


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
