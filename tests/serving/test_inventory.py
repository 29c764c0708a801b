"""Stock over HTTP."""

from typing import Any

import httpx
import msgspec
import pytest
import redis.asyncio

from rtp.clock import from_micros, system_clock, to_micros
from rtp.stores.keyring import Keyring
from tests.serving.conftest import problem


def count(quantity: int = 5, **changes: Any) -> dict[str, Any]:
    now = system_clock().isoformat()
    fields = {"movementId": "c1", "storeId": "s1", "productId": "p1", "kind": "count", "occurredAt": now}
    return fields | {"quantity": quantity} | changes


async def move(server: httpx.AsyncClient, *movements: dict[str, Any]) -> httpx.Response:
    return await server.post("/v1/inventory/movements", json={"movements": list(movements)})


async def test_a_count_and_a_sale_make_a_position_and_repeating_changes_nothing(server: httpx.AsyncClient) -> None:
    counted = count()
    sale = count(2, movementId="m2", kind="sale", occurredAt=system_clock().isoformat())
    assert (await move(server, counted, sale)).json() == {"applied": 2, "repeated": 0}
    assert (await move(server, sale, counted)).json() == {"applied": 0, "repeated": 2}
    position = (await server.get("/v1/inventory/p1", params={"storeId": "s1"})).json()
    assert (position["onHand"], position["available"], position["fresh"]) == (3, 3, True)
    assert position["asOf"].endswith("Z")


async def test_movements_are_kept_for_the_archive_and_refused_ones_are_not(
    server: httpx.AsyncClient, redis_client: redis.asyncio.Redis
) -> None:
    assert (await move(server, count())).status_code == 200
    assert (await move(server, count(movementId="c2", quantity=-1))).status_code == 400
    kept = [msgspec.json.decode(fields[b"d"]) for _, fields in await redis_client.xrange("rtp:{movements}")]
    assert [(each["movement"]["movementId"], each["movement"]["kind"]) for each in kept] == [("c1", "count")]
    assert kept[0]["received_at"] > 0


async def test_reservations_hold_until_released_and_never_more_than_there_is(server: httpx.AsyncClient) -> None:
    await move(server, count(1))
    path = "/v1/inventory/s1/p1/reservations/"
    assert (await server.put(path + "r1", json={"quantity": 1})).status_code == 201
    assert (await server.put(path + "r1", json={"quantity": 1})).status_code == 200
    problem(await server.put(path + "r2", json={"quantity": 1}), 409, "OUT_OF_STOCK")
    assert (await server.delete(path + "r1")).status_code == 204
    problem(await server.delete(path + "r1"), 404, "UNKNOWN_RESERVATION")
    assert (await server.put(path + "r2", json={"quantity": 1})).status_code == 201


async def test_a_stale_position_promises_nothing(server: httpx.AsyncClient) -> None:
    long_ago = from_micros(to_micros(system_clock()) - 30 * 86_400_000_000).isoformat()
    await move(server, count(5, occurredAt=long_ago))
    answer = await server.put("/v1/inventory/s1/p1/reservations/r1", json={"quantity": 1})
    problem(answer, 409, "STOCK_STALE")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": -1}, "movements[0].quantity"),
        ({"kind": "theft"}, "movements[0].kind"),
        ({"kind": "transfer"}, "movements[0].toStoreId"),
        ({"occurredAt": "2026-01-01T00:00:00"}, "movements[0].occurredAt"),
        ({"basis": "guess"}, "movements[0].basis"),
        ({"storeId": ""}, "movements[0].storeId"),
        ({"sku": "x"}, "movements[0].sku"),
    ],
)
async def test_a_bad_movement_is_told_by_its_field(
    server: httpx.AsyncClient, redis_client: Any, change: dict[str, Any], field: str
) -> None:
    body = problem(await move(server, count() | change), 400, "BAD_FIELD")
    assert body["field"] == field
    assert await redis_client.dbsize() == 0


async def test_an_unknown_store_or_product_is_404_with_a_reason(server: httpx.AsyncClient) -> None:
    problem(await server.get("/v1/inventory/p1", params={"storeId": "nowhere"}), 404, "UNKNOWN_POSITION")
    body = problem(await server.get("/v1/inventory/p1"), 400, "BAD_FIELD")
    assert body["field"] == "storeId"


async def test_a_write_key_cannot_read_stock(http: httpx.AsyncClient, keyring: Keyring) -> None:
    answer = await http.get(
        "/v1/inventory/p1", params={"storeId": "s"}, headers={"authorization": f"Bearer {keyring.write}"}
    )
    assert problem(answer, 401, "WRONG_KEY")["hint"] == "A write key only sends events."
    problem(await http.get("/v1/inventory/p1", params={"storeId": "s"}), 401, "NO_KEY")
