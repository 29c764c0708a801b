"""A shopper over HTTP: by any identifier, with what was just done and said."""

from typing import Any

import httpx
import pytest

from tests.serving.conftest import Applied, Shop, problem


async def test_a_shopper_is_found_by_every_identifier_with_what_they_just_did(shop: Shop, applied: Applied) -> None:
    await shop.send("identify", userId="u7", anonymousId="a7", traits={"email": "Ann@B.test"})
    await shop.send("track", userId="u7", event="Product Viewed", properties={"product_id": "p1"})
    assert await applied() == 2
    found = await shop.profile("user_id:u7")
    assert found["features"]["customer_live"]["product_views_24h"] == 1
    assert found["features"]["customer_live"]["last_products"] == ["p1"]
    assert found["features"]["customer_profile"]["orders_365d"] is None
    assert found["identifiers"] == {"user_id": ["u7"], "email": ["ann@b.test"], "anonymous_id": ["a7"]}
    for shopper in ("email:ANN@b.test", "anonymous_id:a7", f"customer_id:{found['customerId']}"):
        assert (await shop.profile(shopper))["customerId"] == found["customerId"]
    assert await shop.profile("user_id:u7", "/identifiers") == found["identifiers"]
    assert (await shop.profile("user_id:u7", "/features"))["customer_live"]["product_views_24h"] == 1


async def test_consent_is_recorded_read_back_and_repeating_it_changes_nothing(shop: Shop, applied: Applied) -> None:
    said = {"purpose": "marketing", "channel": "email", "status": "granted", "at": "2026-01-01T00:00:00Z"}
    for _ in range(2):
        answer = await shop.http.put("/v1/profiles/email:new@b.test/consent", json=said)
        assert answer.status_code == 200, answer.text
    assert answer.json() == said
    assert await applied() == 2
    expected = {**said, "source": "api"}
    assert await shop.profile("email:new@b.test", "/consent") == [expected]
    later = said | {"status": "denied", "at": "2026-01-02T00:00:00Z", "source": "call centre"}
    customer = (await shop.profile("email:new@b.test"))["customerId"]
    await shop.http.put(f"/v1/profiles/customer_id:{customer}/consent", json=later)
    await applied()
    assert await shop.profile("email:new@b.test", "/consent") == [later]


async def test_what_a_browser_and_an_unsubscription_say_about_consent_is_heard(shop: Shop, applied: Applied) -> None:
    for purpose in ("marketing", "ads", "sale"):
        said = {"purpose": purpose, "status": "granted", "at": "2026-01-01T00:00:00Z"}
        await shop.http.put("/v1/profiles/user_id:u7/consent", json=said)
    shop.http.headers["sec-gpc"] = "1"
    await shop.send("page", userId="u7", name="Home")
    del shop.http.headers["sec-gpc"]
    await shop.send("track", userId="u7", event="Unsubscribed")
    await applied()
    said = {f"{each['purpose']}/{each['channel']}": each for each in await shop.profile("user_id:u7", "/consent")}
    assert {key: each["status"] for key, each in said.items()} == {
        "ads/all": "denied", "sale/all": "denied", "marketing/all": "granted", "marketing/email": "denied"
    }  # fmt: skip
    assert (said["sale/all"]["source"], said["marketing/email"]["source"]) == ("Sec-GPC", "Unsubscribed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"purpose": "fun", "status": "granted"}, "purpose"),
        ({"purpose": "ads", "status": "maybe"}, "status"),
        ({"purpose": "ads"}, "status"),
        ({"purpose": "ads", "status": "denied", "channel": "fax"}, "channel"),
        ({"purpose": "ads", "status": "denied", "at": "2026-01-01T00:00:00"}, "at"),
        ({"purpose": "ads", "status": "denied", "until": "x"}, "until"),
    ],
)
async def test_a_bad_consent_is_told_by_its_field(server: httpx.AsyncClient, body: Any, field: str) -> None:
    answer = await server.put("/v1/profiles/user_id:u1/consent", json=body)
    assert problem(answer, 400, "BAD_FIELD")["field"] == field


async def test_an_unknown_customer_is_404_with_a_reason(server: httpx.AsyncClient) -> None:
    for part in ("", "/features", "/identifiers", "/consent"):
        problem(await server.get(f"/v1/profiles/user_id:nobody{part}"), 404, "UNKNOWN_CUSTOMER")
    problem(await server.get("/v1/profiles/customer_id:c000"), 404, "UNKNOWN_CUSTOMER")


@pytest.mark.parametrize("shopper", ["nobody", "userid:7", "user_id:", "user_id:null", "email:none", "phone:12"])
async def test_what_names_nobody_is_told(server: httpx.AsyncClient, shopper: str) -> None:
    assert problem(await server.get(f"/v1/profiles/{shopper}"), 400, "BAD_IDENTIFIER")["hint"]


async def test_looking_up_needs_a_server_key(writer: httpx.AsyncClient) -> None:
    problem(await writer.get("/v1/profiles/user_id:u1"), 401, "NO_KEY")
