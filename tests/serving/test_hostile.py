"""Bodies made to do harm are refused with a reason; nothing of ours breaks, and nothing of ours shows."""

import gzip

import httpx
import pytest

from tests.serving.conftest import problem

DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize("body", [DEEP, b'{"batch": [' + DEEP + b"]}", b'{"context": ' + DEEP + b"}"])
async def test_events_nested_without_end_are_refused(writer: httpx.AsyncClient, path: str, body: bytes) -> None:
    answer = await writer.post(path, content=body)
    assert answer.status_code in {400, 413}
    problem(answer, answer.status_code, answer.json()["reason"])


@pytest.mark.parametrize("path", ["/v1/decide", "/v1/inventory/movements", "/get-online-features"])
async def test_questions_nested_without_end_are_refused(server: httpx.AsyncClient, path: str) -> None:
    answer = await server.post(path, content=b'{"x": ' + DEEP + b"}", headers={"content-type": "application/json"})
    problem(answer, 400, answer.json().get("reason", ""))


async def test_a_key_that_is_searched_for_in_a_bottomless_body_is_no_key(http: httpx.AsyncClient) -> None:
    problem(await http.post("/v1/track", content=DEEP), 401, "NO_KEY")


async def test_gzip_within_gzip_is_not_unpacked_twice(writer: httpx.AsyncClient) -> None:
    body = gzip.compress(gzip.compress(b'{"batch": []}'))
    problem(await writer.post("/v1/batch", content=body, headers={"content-encoding": "gzip"}), 400, "NOT_JSON")
