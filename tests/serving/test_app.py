"""What holds for every call: documentation, health, metrics, errors, and what logs may show."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import msgspec
import pytest

from rtp.serving.app import create_app
from rtp.serving.assemble import open_ports
from rtp.serving.ports import Ports
from rtp.settings import Settings
from rtp.stores.keyring import Keyring, ServerKey
from tests.conftest import free_port
from tests.serving.conftest import problem


@pytest.fixture
async def cut_off(api_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The API while its Redis is gone, with the write key."""
    gone = msgspec.structs.replace(api_settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    async with open_ports(gone) as ports:
        transport = httpx.ASGITransport(app=create_app(ports))
        async with httpx.AsyncClient(transport=transport, base_url="http://rtp.test") as client:
            client.auth = httpx.BasicAuth(ports.keyring.write, "")
            yield client


async def test_every_call_is_documented(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.")
    assert {"/v1/track", "/v1/batch", "/v1/inventory/movements", "/healthz", "/readyz"} <= set(document["paths"])
    movement = document["paths"]["/v1/inventory/movements"]["post"]
    assert "requestBody" in movement
    assert movement["security"] == [{"serverKey": []}]
    track = document["paths"]["/v1/track"]["post"]
    assert "messageId" in track["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert len({call["operationId"] for path in document["paths"].values() for call in path.values()}) > 20


async def test_alive_ready_and_counted(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["redis"]) == (200, "ok")
    text = (await http.get("/metrics")).text
    assert 'rtp_http_requests_total{method="GET",route="/readyz",status="200"}' in text


async def test_an_unknown_path_and_a_wrong_method_are_problems(http: httpx.AsyncClient) -> None:
    problem(await http.get("/v1/nothing"), 404)
    problem(await http.get("/v1/track"), 405)


async def test_with_redis_gone_each_call_says_503_and_when_to_come_back(cut_off: httpx.AsyncClient) -> None:
    answer = await cut_off.post("/v1/track", json={"userId": "u1", "event": "x"})
    body = problem(answer, 503, "UNAVAILABLE")
    assert int(answer.headers["retry-after"]) >= 1
    assert "safe" in str(body["hint"])
    problem(await cut_off.post("/v1/track", content=b"{"), 503, "UNAVAILABLE")
    ready = await cut_off.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["redis"]) == (503, "does not answer")
    assert (await cut_off.get("/healthz")).status_code == 200


async def test_neither_logs_nor_metrics_hold_identifiers(
    server: httpx.AsyncClient, keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="rtp")
    await server.get("/v1/inventory/secret-product", params={"storeId": "secret-store"})
    await server.get("/secret-path")
    written = caplog.text + (await server.get("/metrics")).text
    assert "/v1/inventory/{product_id}" in written
    assert "secret" not in written


async def test_a_key_without_the_scope_is_403_and_says_what_it_has(ports: Ports) -> None:
    bound = msgspec.structs.replace(ports.keyring, server_keys={"sk_lookup": ServerKey(scopes=frozenset({"lookup"}))})
    transport = httpx.ASGITransport(app=create_app(replace(ports, keyring=bound)))
    async with httpx.AsyncClient(transport=transport, base_url="http://rtp.test") as client:
        client.headers["authorization"] = "Bearer sk_lookup"
        answer = await client.get("/v1/inventory/p", params={"storeId": "s"})
    assert "lookup" in str(problem(answer, 403, "MISSING_SCOPE")["hint"])
