"""Feast's own `remote` client, with a server key as its token, against the running API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rtp.stores.feast_repository import apply, feature_store
from tests.serving.processes import Api, api_and_worker
from tests.waiting import until

TOKEN = "RTP_TEST_FEAST_TOKEN"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Api]:
    with api_and_worker(tmp_path) as running:
        yield running


def remote(registry: str, system: Api) -> Any:
    from feast import FeatureStore, RepoConfig

    return FeatureStore(
        config=RepoConfig(
            project="rtp", provider="local", registry=registry, entity_key_serialization_version=3,
            online_store={"type": "remote", "path": system.settings.api_url},
            auth={"type": "oidc", "token_env_var": TOKEN},
        )
    )  # fmt: skip


def test_it_reads_what_was_just_tracked_and_nothing_without_the_key(
    system: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(system.settings)
    registry = feature_store(system.settings).config.registry.path
    server = {"authorization": f"Bearer {system.keyring.server}"}
    assert system.track("m1").status_code == 200

    def customer() -> str | None:
        found = httpx.get(f"{system.settings.api_url}/v1/profiles/user_id:u1", headers=server)
        known = found.status_code == 200 and found.json()["features"]["customer_live"]["product_views_24h"]
        return str(found.json()["customerId"]) if known else None

    until(lambda: customer() is not None, what="the event is folded")
    asked = {
        "features": ["customer_live:product_views_24h", "customer_live:last_products"],
        "entity_rows": [{"customer_id": customer()}, {"customer_id": "nobody"}],
    }
    monkeypatch.setenv(TOKEN, system.keyring.server)
    assert remote(registry, system).get_online_features(**asked).to_dict()["product_views_24h"] == [1, None]
    monkeypatch.setenv(TOKEN, system.keyring.write)
    with pytest.raises(Exception, match="401"):
        remote(registry, system).get_online_features(**asked)
