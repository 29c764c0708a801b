"""Events in over HTTP: what is taken, what is refused with which answer, and that nothing is lost."""

import gzip
import json
from typing import Any

import httpx
import pytest

from rtp.serving.bodies import MAX_BODY_BYTES
from rtp.serving.ports import Ports
from rtp.signals.event import Event
from rtp.signals.parse import MAX_EVENT_BYTES
from rtp.stores.keyring import Keyring
from rtp.wiring import event_log
from rtp.wiring import redis_client as client_of
from tests.serving.conftest import problem

VIEW = {"userId": "u1", "messageId": "m1", "event": "Product Viewed", "properties": {"product_id": "p1"}}


async def stored(ports: Ports) -> list[Event]:
    """All events in the log."""
    client = client_of(ports.settings)
    log = event_log(ports.settings, client)
    found = [
        entry.event for partition in range(log.partitions) for entry in await log.tail(partition, after="", count=100)
    ]
    await client.aclose()
    return sorted(found, key=lambda event: event.message_id)


async def kept(redis_client: Any) -> list[dict[str, Any]]:
    """All rejected events."""
    return [json.loads(fields[b"d"]) for _, fields in await redis_client.xrange("rtp:{rejected}")]


@pytest.mark.parametrize(
    ("path", "extra", "kind"),
    [
        ("track", {"event": "Product Viewed"}, "track"),
        ("t", {"event": "Product Viewed"}, "track"),
        ("identify", {"traits": {"plan": "x"}}, "identify"),
        ("i", {}, "identify"),
        ("page", {"name": "Home"}, "page"),
        ("p", {}, "page"),
        ("screen", {}, "screen"),
        ("s", {}, "screen"),
        ("group", {"groupId": "g1"}, "group"),
        ("g", {"groupId": "g1"}, "group"),
        ("alias", {"previousId": "a1"}, "alias"),
        ("a", {"previousId": "a1"}, "alias"),
    ],
)
async def test_each_call_and_its_short_form_takes_its_type(
    writer: httpx.AsyncClient, ports: Ports, path: str, extra: dict[str, Any], kind: str
) -> None:
    answer = await writer.post(f"/v1/{path}", json={"userId": "u1", "messageId": "m1", **extra})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"success": True}
    assert [(event.type, event.source) for event in await stored(ports)] == [(kind, "default")]


async def test_the_key_may_stand_in_a_plain_text_body_as_browsers_send_it(
    http: httpx.AsyncClient, keyring: Keyring, ports: Ports
) -> None:
    body = json.dumps({**VIEW, "writeKey": keyring.write})
    answer = await http.post(
        "/v1/t", content=body, headers={"content-type": "text/plain", "origin": "https://shop.test"}
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(await stored(ports)) == 1


async def test_a_browser_may_ask_first(http: httpx.AsyncClient) -> None:
    headers = {
        "origin": "https://shop.test",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-retry-count",
    }
    answer = await http.options("/v1/track", headers=headers)
    assert answer.status_code == 204
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type", "x-retry-count"} <= allowed


async def test_a_page_can_read_why_it_was_refused_and_when_to_come_back(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/track", json=VIEW, headers={"origin": "https://shop.test"})
    problem(answer, 401, "NO_KEY")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "retry-after" in answer.headers["access-control-expose-headers"]


async def test_gzip_is_read(writer: httpx.AsyncClient, ports: Ports) -> None:
    body = gzip.compress(json.dumps({"batch": [{**VIEW, "type": "track"}]}).encode())
    answer = await writer.post("/v1/batch", content=body, headers={"content-encoding": "gzip"})
    assert answer.status_code == 200
    assert len(await stored(ports)) == 1


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b'{"batch": []}')[:-9]])
async def test_damaged_gzip_is_told(writer: httpx.AsyncClient, body: bytes) -> None:
    problem(await writer.post("/v1/batch", content=body, headers={"content-encoding": "gzip"}), 400, "BAD_ENCODING")


async def test_a_small_body_that_unpacks_to_gigabytes_is_too_large(writer: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b"0" * (MAX_BODY_BYTES * 20))
    problem(await writer.post("/v1/batch", content=bomb, headers={"content-encoding": "gzip"}), 413, "TOO_LARGE")


async def test_a_bad_item_is_kept_and_reported_and_the_rest_counts(
    writer: httpx.AsyncClient, ports: Ports, redis_client: Any
) -> None:
    items = [
        {**VIEW, "type": "track", "messageId": "good"},
        {"type": "track", "event": "Product Viewed", "messageId": "nobody"},
        {**VIEW, "type": "wink"},
        7,
    ]
    answer = await writer.post("/v1/batch", json={"batch": items})
    assert answer.status_code == 200
    report = answer.json()
    assert (report["success"], report["accepted"]) == (True, 1)
    assert [(each["index"], each["reason"]) for each in report["rejected"]] == [
        (1, "NO_IDENTITY"),
        (2, "UNKNOWN_TYPE"),
        (3, "NOT_AN_OBJECT"),
    ]
    assert [event.message_id for event in await stored(ports)] == ["good"]
    rejected = await kept(redis_client)
    assert [each["reason"] for each in rejected] == ["NO_IDENTITY", "UNKNOWN_TYPE", "NOT_AN_OBJECT"]
    assert all(each["received_at"] and each["source"] == "default" and each["body"] for each in rejected)


async def test_a_batch_of_which_nothing_can_be_taken_is_no_success(writer: httpx.AsyncClient) -> None:
    body = problem(await writer.post("/v1/batch", json={"batch": [{"type": "track"}]}), 400, "NO_IDENTITY")
    assert body["field"] == "batch[0]"


@pytest.mark.parametrize(
    ("path", "content", "status", "reason"),
    [
        ("track", b"{", 400, "NOT_JSON"),
        ("track", b"", 400, "NOT_JSON"),
        ("track", b"[]", 400, "NOT_AN_OBJECT"),
        ("track", b'{"event": "x"}', 400, "NO_IDENTITY"),
        ("track", b'{"userId": "null", "event": "x"}', 400, "NO_IDENTITY"),
        ("track", b'{"userId": "u"}', 400, "MISSING_FIELD"),
        ("track", b'{"userId": "u", "event": "x", "timestamp": "soon"}', 400, "BAD_TIMESTAMP"),
        ("track", b'{"userId": "u", "event": "' + b"x" * 40_000 + b'"}', 413, "TOO_LARGE"),
        ("batch", b"{}", 400, "MISSING_FIELD"),
        ("batch", b"{", 400, "NOT_JSON"),
    ],
)
async def test_what_cannot_be_read_is_answered_by_its_reason_and_kept(
    writer: httpx.AsyncClient, redis_client: Any, path: str, content: bytes, status: int, reason: str
) -> None:
    body = problem(await writer.post(f"/v1/{path}", content=content), status, reason)
    assert body["hint"]
    assert [each["reason"] for each in await kept(redis_client)] == [reason]


async def test_a_body_above_the_limit_is_413(writer: httpx.AsyncClient) -> None:
    problem(await writer.post("/v1/batch", content=b" " * (MAX_BODY_BYTES + 1)), 413, "TOO_LARGE")
    assert MAX_BODY_BYTES == 512_000


async def test_a_batch_of_exactly_500_kb_and_an_event_of_exactly_32_kb_are_taken(
    writer: httpx.AsyncClient, ports: Ports
) -> None:
    largest = json.dumps({**VIEW, "type": "track", "pad": ""}).encode()
    largest = largest.replace(b'"pad": ""', b'"pad": "' + b"x" * (MAX_EVENT_BYTES - len(largest)) + b'"')
    body = b'{"batch": [' + largest + b"]}"
    body += b" " * (MAX_BODY_BYTES - len(body))
    answer = await writer.post("/v1/batch", content=body)
    assert answer.json() == {"success": True}
    assert len(await stored(ports)) == 1


async def test_an_item_above_32_kb_is_kept_and_reported_while_the_rest_counts(
    writer: httpx.AsyncClient, ports: Ports
) -> None:
    items = [{**VIEW, "type": "track", "messageId": f"m{number}"} for number in range(2)]
    items[1]["pad"] = "x" * MAX_EVENT_BYTES
    answer = await writer.post("/v1/batch", json={"batch": items})
    assert [each["reason"] for each in answer.json()["rejected"]] == ["TOO_LARGE"]
    assert [event.message_id for event in await stored(ports)] == ["m0"]


@pytest.mark.parametrize("field", ["timestamp", "originalTimestamp"])
async def test_the_senders_clock_is_corrected_over_http(writer: httpx.AsyncClient, ports: Ports, field: str) -> None:
    """A tablet whose clock says 2017: what counts is how long before sending it happened."""
    times = {field: "2017-03-01T12:00:00Z", "sentAt": "2017-03-01T12:00:10Z"}
    assert (await writer.post("/v1/track", json=VIEW | times)).status_code == 200
    (event,) = await stored(ports)
    assert event.received_at - event.occurred_at == 10_000_000


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic !!!"}, {"authorization": "Digest x"}])
async def test_without_a_key_nothing_is_taken_or_kept(
    http: httpx.AsyncClient, redis_client: Any, headers: dict[str, str]
) -> None:
    answer = await http.post("/v1/track", json=VIEW, headers=headers)
    assert "`rtp keys`" in str(problem(answer, 401, "NO_KEY")["hint"])
    assert answer.headers["www-authenticate"]
    assert await redis_client.dbsize() == 0


async def test_a_wrong_key_and_a_server_key_are_refused(http: httpx.AsyncClient, keyring: Keyring) -> None:
    problem(await http.post("/v1/track", json=VIEW, auth=httpx.BasicAuth("wk_other", "")), 401, "WRONG_KEY")
    problem(await http.post("/v1/track", json=VIEW, auth=httpx.BasicAuth(keyring.server, "")), 401, "WRONG_KEY")


async def test_an_opt_out_signal_travels_with_the_event(writer: httpx.AsyncClient, ports: Ports) -> None:
    await writer.post("/v1/track", json=VIEW, headers={"Sec-GPC": "1"})
    assert [event.gpc for event in await stored(ports)] == [True]


async def test_the_browser_library_finds_its_settings(http: httpx.AsyncClient, keyring: Keyring) -> None:
    answer = await http.get(f"/v1/projects/{keyring.write}/settings")
    segment = answer.json()["integrations"]["Segment.io"]
    assert segment["apiKey"] == keyring.write
    assert segment["apiHost"] == "rtp.test/v1"
    assert segment["protocol"] == "http"
    behind = await http.get(f"/v1/projects/{keyring.write}/settings", headers={"x-forwarded-proto": "https, http"})
    assert behind.json()["integrations"]["Segment.io"]["protocol"] == "https"
    problem(await http.get("/v1/projects/wk_other/settings"), 401, "WRONG_KEY")
