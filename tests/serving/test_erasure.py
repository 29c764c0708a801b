"""Erasure over HTTP: asked for by an admin key, heard of by its id."""

import httpx
import pytest
from redis.asyncio import Redis

from rtp.serving.ports import Ports
from tests.serving.conftest import Shop, problem

ANN = "/v1/profiles/email:ann@example.com"


async def test_a_request_keeps_the_person_out_at_once(
    server: httpx.AsyncClient, shop: Shop, redis_client: Redis
) -> None:
    answer = await server.delete(ANN)
    assert (answer.status_code, answer.json()["status"]) == (202, "INITIALIZED")
    await shop.send("track", userId="u1", event="Product Viewed", context={"traits": {"email": "ann@example.com"}})
    assert [key async for key in redis_client.scan_iter("rtp:{events:*}")] == []


async def test_its_progress_is_told_without_saying_whose_it_is(server: httpx.AsyncClient, ports: Ports) -> None:
    regulation_id = (await server.delete(ANN)).json()["regulationId"]
    await ports.erasure.carry_out(regulation_id)
    answer = await server.get(f"/v1/regulations/{regulation_id}")
    assert answer.json()["status"] == "FINISHED"
    assert {each["place"] for each in answer.json()["places"]} >= {"redis/state", "proof by scan"}
    assert "ann" not in answer.text


async def test_an_unknown_request_is_told_so(server: httpx.AsyncClient) -> None:
    problem(await server.get("/v1/regulations/none"), 404, "UNKNOWN_REGULATION")


@pytest.mark.parametrize("shopper", ["nonsense", "email:no-address"])
async def test_what_is_no_shopper_is_refused(server: httpx.AsyncClient, shopper: str) -> None:
    problem(await server.delete(f"/v1/profiles/{shopper}"), 400, "BAD_IDENTIFIER")


async def test_a_write_key_may_not(http: httpx.AsyncClient) -> None:
    assert (await http.delete(ANN)).status_code == 401
