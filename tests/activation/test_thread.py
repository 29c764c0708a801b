"""The whole thread as processes: consent, an event in one channel, a signed message out, its decision explained."""

import sys
from pathlib import Path

import httpx

from rtp.clock import system_clock
from rtp.decisioning.catalog import Catalog
from rtp.settings import Settings
from rtp.stores.models import save_catalog
from tests.activation.conftest import SECRET, Endpoint
from tests.serving.processes import Api, running
from tests.waiting import until

SHOPPER = "/v1/profiles/user_id:u1"


def server(api: Api) -> httpx.Client:
    return httpx.Client(base_url=api.settings.api_url, headers={"authorization": f"Bearer {api.keyring.server}"})


def test_an_addition_to_the_cart_becomes_a_signed_message_whose_decision_can_be_explained(
    api: Api, endpoint: Endpoint, small_catalog: Catalog, tmp_path: Path, settings: Settings
) -> None:
    save_catalog(settings.models_dir, small_catalog)
    environment = api.environment() | {"RTP_WEBHOOK_SECRET": SECRET, "RTP_ACTIVATION_WEBHOOK_URL": endpoint.url}
    with (
        api.redis(),
        running([sys.executable, "-m", "rtp", "serve"], **environment),
        running([sys.executable, "-m", "rtp", "worker"], **environment),
        server(api) as http,
    ):
        until(api.ready, what="the API is ready", seconds=60.0)
        now = system_clock().isoformat()
        counts = [
            {"movementId": f"c{n}", "storeId": "web", "productId": f"p{n:03}", "kind": "count", "quantity": 9}
            for n in range(60)
        ]
        moved = http.post(
            "/v1/inventory/movements", json={"movements": [each | {"occurredAt": now} for each in counts]}
        )
        assert moved.status_code == 200, moved.text
        for purpose in ("personalization", "marketing"):
            said = {"purpose": purpose, "channel": "all", "status": "granted"}
            assert http.put(f"{SHOPPER}/consent", json=said).status_code == 200
        assert api.track("view").status_code == 200
        until(lambda: views(http) == 1, what="consent and view are folded", seconds=60.0)
        added = {"userId": "u1", "messageId": "add", "event": "Product Added", "properties": {"product_id": "p001"}}
        assert api.http.post("/v1/track", json=added).status_code == 200
        until(lambda: bool(endpoint.received), what="the message has come", seconds=60.0)
        (_, message) = endpoint.received[0]
        data = message["data"]
        assert (data["triggerId"], data["channel"], data["userId"]) == ("cart_follow_up", "push", "u1")
        assert data["actions"][0]["productId"] != "p001"
        trace = http.get(f"/v1/decisions/{data['decisionId']}").json()
        assert trace["triggerId"] == "cart_follow_up"
        assert trace["decision"]["actions"] == data["actions"]
        until(lambda: api.stream("rtp:{activations}") == 1, what="the delivery is recorded", seconds=60.0)
        assert len(endpoint.received) == 1


def views(http: httpx.Client) -> int | None:
    answer = http.get(f"{SHOPPER}/features")
    return answer.json()["customer_live"]["product_views_24h"] if answer.status_code == 200 else None
