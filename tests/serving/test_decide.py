"""Decisions over HTTP."""

from typing import Any

import httpx
import msgspec
import pytest

from rtp.clock import system_clock, to_micros
from rtp.inventory.stock import Count
from rtp.serving.ports import Ports
from rtp.stores.keyring import Keyring
from tests.serving.conftest import problem

ASKED: dict[str, Any] = {"customer": {"userId": "u1"}, "channel": "web", "placement": "home_hero"}


@pytest.fixture
def shelves(with_catalog: None) -> None:
    """A catalogue from the start; a test that asks for `stocked` fills its store too."""


@pytest.fixture
async def stocked(shelves: None, ports: Ports) -> None:
    now = to_micros(system_clock())
    await ports.stock.seed(
        [Count(store_id="s1", product_id=f"p{number:03}", quantity=9, counted_at=now) for number in range(60)]
    )


async def test_a_decision_offers_what_is_there_and_is_explained_later(stocked: None, server: httpx.AsyncClient) -> None:
    answer = await server.post("/v1/decide", json={**ASKED, "context": {"storeId": "s1"}, "limit": 2})
    assert answer.status_code == 200, answer.text
    decision = answer.json()
    assert [action["position"] for action in decision["actions"]] == [1, 2]
    first = decision["actions"][0]
    assert first["actionId"] == f"product:{first['productId']}"
    assert first["fulfilment"]["storeId"] == "s1"
    trace = (await server.get(f"/v1/decisions/{decision['decisionId']}")).json()
    assert trace["decision"]["actions"] == decision["actions"]
    assert trace["policyVersion"]
    assert len(trace["rejected"]) >= len(decision["rejected"])


async def test_an_unknown_store_is_said_and_the_page_is_not_empty(stocked: None, server: httpx.AsyncClient) -> None:
    decision = (await server.post("/v1/decide", json={**ASKED, "context": {"storeId": "s99"}})).json()
    assert {"actionId": "store:s99", "reason": "UNKNOWN_STORE"} in decision["rejected"]
    assert decision["actions"]


async def test_before_the_first_build_an_unknown_customer_still_gets_a_page(server: httpx.AsyncClient) -> None:
    decision = (await server.post("/v1/decide", json=ASKED)).json()
    assert (decision["fallback"], decision["customerId"]) == (True, None)
    assert [action["kind"] for action in decision["actions"]] == ["content", "service"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": "fax"}, "channel"),
        ({"customer": {}}, "customer"),
        ({"customer": {"usrId": "u1"}}, "customer.usrId"),
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"context": {"at": "soon"}}, "context.at"),
    ],
)
async def test_a_bad_question_is_told_by_its_field(server: httpx.AsyncClient, change: Any, field: str) -> None:
    answer = await server.post("/v1/decide", json=ASKED | change)
    assert answer.status_code == 400
    assert problem(answer, 400, answer.json().get("reason", ""))["field"] == field


async def test_no_body_and_no_json_are_told(server: httpx.AsyncClient) -> None:
    problem(await server.post("/v1/decide"), 400, "NO_BODY")
    problem(await server.post("/v1/decide", content=b"{"), 400, "NOT_JSON")


async def test_an_unknown_decision_is_404(server: httpx.AsyncClient) -> None:
    problem(await server.get("/v1/decisions/none"), 404, "UNKNOWN_DECISION")


async def test_a_page_asks_for_its_own_anonymous_id_only(http: httpx.AsyncClient, keyring: Keyring) -> None:
    page = {"origin": "http://localhost:3000", "content-type": "text/plain"}
    asked: dict[str, Any] = {"customer": {"anonymousId": "a1"}, "placement": "home", "writeKey": keyring.write}

    async def ask(**changes: Any) -> httpx.Response:
        return await http.post("/v1/web/decide", content=msgspec.json.encode(asked | changes), headers=page)

    answer = await ask()
    assert answer.status_code == 200, answer.text
    assert (answer.json()["channel"], answer.json()["customerId"], answer.json()["rejected"]) == ("web", None, [])
    body = problem(await ask(customer={"anonymousId": "a1", "userId": "u1"}), 400, "BAD_FIELD")
    assert body["field"] == "customer.userId"
    problem(await ask(channel="store"), 400, "BAD_FIELD")
    problem(await ask(writeKey="wk_other"), 401, "WRONG_KEY")
    page["origin"] = "https://evil.test"
    problem(await ask(), 403, "ORIGIN_NOT_ALLOWED")
    del page["origin"]
    problem(await ask(), 403, "ORIGIN_NOT_ALLOWED")


async def test_a_write_key_cannot_ask_for_anybody(http: httpx.AsyncClient, keyring: Keyring) -> None:
    answer = await http.post("/v1/decide", json=ASKED, headers={"authorization": f"Bearer {keyring.write}"})
    problem(answer, 401, "WRONG_KEY")
