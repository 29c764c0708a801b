"""Requests that schemathesis makes up from /openapi.json, sent to a running API, and what every answer must be."""

from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS as REGISTRY
from schemathesis.checks import load_all_checks

from rtp.serving.track import CALLS
from tests.serving.processes import Api

load_all_checks()
CHECKS: list[Any] = REGISTRY.get_by_names([
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"
])  # fmt: skip


KNOWN: dict[str, Any] = {"shopper": "user_id:u1", "product_id": "p1", "store_id": "s1", "storeId": "s1"}
EVENT: dict[str, Any] = {"userId": "u1", "event": "Order Completed", "groupId": "g1", "previousId": "a1"}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/decide": {"customer": {"userId": "u1"}, "channel": "web", "limit": 3},
    "/v1/web/decide": {"customer": {"anonymousId": "a1"}},
    "/get-online-features": {"features": ["customer_live:as_of"], "entities": {"customer_id": ["c1", 7]}},
}
"""Half of the requests name what is there and who is meant, so that they get past the first look."""


def deepen(case: Any) -> None:
    """Puts what is known into a request that schemathesis made up."""
    for place in (case.path_parameters, case.query):
        place.update({name: value for name, value in KNOWN.items() if name in place})
    if isinstance(case.body, dict):
        case.body.update(BODIES.get(case.operation.path, EVENT if case.operation.path in CALLS else {}))
        for item in case.body["batch"] if isinstance(case.body.get("batch"), list) else ():
            if isinstance(item, dict):
                item.update(EVENT | {"type": item.get("type", "track")})


def operations(api: Api) -> list[Any]:
    """Every call of the API's own description."""
    schema = schemathesis.openapi.from_url(f"{api.settings.api_url}/openapi.json")
    return [result.ok() for result in schema.get_all_operations()]


def headers_for(operation: Any, api: Api) -> dict[str, str]:
    """The key that the call asks for."""
    wanted = {name for each in operation.definition.raw.get("security", ()) for name in each}
    if "serverKey" in wanted:
        return {"authorization": f"Bearer {api.keyring.server}"}
    key = httpx.BasicAuth(api.keyring.write, "")._auth_header if "writeKey" in wanted else ""
    return {"authorization": key, "origin": "http://localhost"} if key else {}


def attack(operation: Any, api: Api, *, examples: int, start: int) -> int:
    """Sends requests that fit the description and such as do not; gives how many. Fails on an answer not described."""
    headers, sent = headers_for(operation, api), 0
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

    @seed(start)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(case=cases, known=st.booleans())
    def send(case: Any, known: bool) -> None:
        nonlocal sent
        sent += 1
        if known:
            deepen(case)
        answer = case.call(headers={**dict(case.headers or {}), **headers}, timeout=30)
        case.validate_response(answer, checks=CHECKS)
        assert "Traceback" not in answer.text
        assert "/rtp/" not in answer.text

    send()
    return sent
