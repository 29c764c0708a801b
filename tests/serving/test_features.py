"""Feast's contract over HTTP."""

import httpx

from rtp.stores.keyring import Keyring
from tests.serving.conftest import Applied, Shop, problem


async def test_features_are_found_by_customer_as_feast_asks(shop: Shop, applied: Applied) -> None:
    await shop.send("track", userId="u7", event="Product Viewed", properties={"product_id": "p1"})
    await applied()
    customer = (await shop.profile("user_id:u7"))["customerId"]
    body = {"features": ["customer_live:product_views_24h"], "entities": {"customer_id": [customer, "c0"]}}
    answer = (await shop.http.post("/get-online-features", json=body)).json()
    columns = dict(zip(answer["metadata"]["feature_names"], answer["results"], strict=True))
    assert columns["product_views_24h"]["values"] == [1, None]
    assert columns["product_views_24h"]["statuses"] == ["PRESENT", "NOT_FOUND"]


async def test_what_feast_would_refuse_is_a_problem(server: httpx.AsyncClient) -> None:
    for body in ({"features": ["customer_live:nothing"], "entities": {"customer_id": ["c"]}}, {"entities": {}}):
        answer = await server.post("/get-online-features", json=body)
        problem(answer, 400, answer.json()["reason"])


async def test_it_needs_a_server_key(http: httpx.AsyncClient, keyring: Keyring) -> None:
    problem(await http.post("/get-online-features", json={}), 401, "NO_KEY")
