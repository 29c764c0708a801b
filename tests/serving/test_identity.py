"""Who is who over HTTP, and a wrong merge taken back."""

import httpx

from tests.serving.conftest import Applied, Shop, problem


async def test_a_wrong_merge_is_seen_with_its_evidence_and_taken_back(shop: Shop, applied: Applied) -> None:
    await shop.send("track", anonymousId="a7", messageId="m1", event="Product Viewed", properties={"product_id": "p1"})
    await shop.send("track", userId="u7", messageId="m2", event="Product Viewed", properties={"product_id": "p2"})
    await applied()
    alone = await shop.profile("anonymous_id:a7")
    await shop.send("identify", userId="u7", anonymousId="a7", messageId="m3", traits={"email": "ann@b.test"})
    await applied()
    assert (await shop.profile("user_id:u7"))["features"]["customer_live"]["product_views_24h"] == 2
    found = (await shop.http.get("/v1/identity/anonymous_id:a7")).json()
    (merge,) = found["merges"]
    assert (merge["loser"], merge["evidence"]["rule"], merge["evidence"]["source"]) == (
        alone["customerId"], "same_event", "m3",
    )  # fmt: skip
    email = next(each for each in found["identifiers"] if each["type"] == "email")
    assert (email["evidence"]["source"], email["evidence"]["via"]) == ("m3", "user_id:u7")
    for _ in range(2):
        answer = await shop.http.post(f"/v1/identity/merges/{merge['mergeId']}/undo")
        assert answer.status_code == 200, answer.text
        assert answer.json()["undone"]["source"] == "api"
    stranger, ann = await shop.profile("anonymous_id:a7"), await shop.profile("user_id:u7")
    assert stranger["customerId"] == alone["customerId"]
    assert stranger["features"]["customer_live"]["last_products"] == ["p1"]
    assert ann["features"]["customer_live"]["last_products"] == ["p2"]
    assert ann["identifiers"] == {"user_id": ["u7"], "email": ["ann@b.test"]}


async def test_a_merge_there_is_not_is_404(server: httpx.AsyncClient) -> None:
    problem(await server.post("/v1/identity/merges/m00/undo"), 404, "UNKNOWN_MERGE")


async def test_evidence_and_undoing_need_the_scope_admin(writer: httpx.AsyncClient) -> None:
    problem(await writer.get("/v1/identity/user_id:u1"), 401, "NO_KEY")
    problem(await writer.post("/v1/identity/merges/m00/undo"), 401, "NO_KEY")


async def test_consent_is_recorded_for_somebody_known_by_card_or_device_alone(shop: Shop, applied: Applied) -> None:
    card = {"cardToken": "tok_1"}
    await shop.send("track", event="Order Completed", properties=card | {"order_id": "o1", "products": []})
    await shop.send("track", event="Product Viewed", context={"device": {"id": "d1"}}, properties={"product_id": "p1"})
    await applied()
    device = (await shop.profile("device:d1"))["customerId"]
    said = {"purpose": "ads", "channel": "all", "status": "denied", "at": "2026-01-01T00:00:00Z"}
    answer = await shop.http.put(f"/v1/profiles/customer_id:{device}/consent", json=said)
    assert answer.status_code == 200, answer.text
    await applied()
    assert (await shop.profile("device:d1", "/consent"))[0]["status"] == "denied"
