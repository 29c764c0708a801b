"""The Feast project opens, holds what rtp/features/views.py says, and reads what the hot path writes."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rtp.errors import Fatal
from rtp.features.feast_api import OnlineFeaturesRequest, get_online_features
from rtp.features.live import fold, project
from rtp.features.references import references_of
from rtp.features.views import CUSTOMER_LIVE, CUSTOMER_PROFILE, NEXT_BEST_ACTION, SERVICES, VIEWS
from rtp.settings import load_settings
from rtp.stores.connections import connect
from rtp.stores.feast_repository import connection_string
from rtp.stores.online_store import RedisOnlineStore
from tests.feature_repo.conftest import Hashes, repository
from tests.features.events import NOW, track

ROW = project(fold({}, track("Product Added", product_id="7", price="1.99", category="soup")), NOW)
PROFILE: dict[str, Any] = {"orders_90d": 3, "avg_basket_value": 1.25, "top_brands": ["a"], "first_order_at": NOW}


def write(redis_url: str) -> None:
    async def work() -> None:
        client = connect(redis_url)
        store = RedisOnlineStore(client)
        await store.write("customer_live", [({"customer_id": "c1"}, NOW + 123_456, ROW)])
        await store.write("customer_profile", [({"customer_id": "c1"}, NOW, PROFILE)])
        await client.aclose()

    asyncio.run(work())


def test_it_opens_with_no_environment_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from feast import RepoConfig
    from feast.repo_config import load_repo_config

    for name in ("RTP_REDIS_URL", "RTP_REDIS_PORT", "RTP_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    config: RepoConfig = load_repo_config(repository(), repository() / "feature_store.yaml")
    assert config.project == "rtp"
    address = load_settings({}).redis_address
    assert config.online_store.connection_string == connection_string(address)


def test_feasts_own_command_finds_every_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    from feast.repo_operations import parse_repo

    monkeypatch.chdir(repository())
    monkeypatch.syspath_prepend(str(repository()))
    found = parse_repo(Path.cwd())
    assert {view.name for view in found.feature_views} == {view.name for view in VIEWS}
    assert {entity.name for entity in found.entities} >= {"customer", "product", "stock"}
    assert {service.name for service in found.feature_services} == {service.name for service in SERVICES}


def test_what_is_applied_is_what_is_defined(feast: Any) -> None:
    for view in VIEWS:
        applied = feast.get_feature_view(view.name)
        assert [feature.name for feature in applied.features] == list(view.feature_names)
        assert (applied.owner, applied.description) == (view.owner, view.meaning)
        assert sorted(applied.join_keys) == sorted(view.entity.join_keys)
        assert (applied.stream_source is not None) == (view.mart is None)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_needs_no_full_names(service: Any) -> None:
    names = [reference.partition(":")[2] for reference in service.references]
    assert len(set(names)) == len(names)


def test_feasts_sdk_reads_what_the_worker_writes(feast: Any, redis_url: str) -> None:
    write(redis_url)
    service = feast.get_feature_service(NEXT_BEST_ACTION.name)
    answer = feast.get_online_features(features=service, entity_rows=[{"customer_id": "c1"}]).to_dict()
    for feature in CUSTOMER_LIVE.features:
        expected = ROW[feature.name]
        if feature.type == "UnixTimestamp" and isinstance(expected, int):
            expected = datetime.fromtimestamp(expected // 1_000_000, tz=UTC)  # type: ignore[assignment]
        assert answer[feature.name] == [expected], feature.name
    assert answer["orders_90d"] == [3]


def test_feasts_push_and_ours_leave_the_same_bytes(feast: Any, redis_url: str, hashes: Hashes) -> None:
    import pandas as pd

    write(redis_url)
    ours = hashes.all()
    hashes.clear()
    at = pd.Timestamp(NOW + 123_456, unit="us", tz="UTC")
    live = {f.name: ROW[f.name] for f in CUSTOMER_LIVE.features}
    times = {f.name for f in CUSTOMER_LIVE.features if f.type == "UnixTimestamp"}
    frame = pd.DataFrame([{"customer_id": "c1", "event_timestamp": at, **live}])
    for name in times:
        frame[name] = pd.to_datetime(frame[name], unit="us", utc=True)
    feast.push("customer_live_push", frame)
    theirs = hashes.all()
    [key] = theirs
    assert {field: ours[key][field] for field in theirs[key]} == theirs[key]


def test_the_api_answers_as_feasts_own_server_would(feast: Any, redis_url: str) -> None:
    from feast.feature_server_utils import convert_response_to_dict

    write(redis_url)
    features = references_of([CUSTOMER_PROFILE, CUSTOMER_LIVE])
    entities = {"customer_id": ["c1", "nobody"]}
    ours = asyncio.run(answer(redis_url, {"features": features, "entities": entities}))
    theirs = convert_response_to_dict(feast.get_online_features(features=features, entity_rows=entities).proto)
    # Feast takes a view's features out of a set: their order differs from run to run.
    assert sorted(ours["metadata"]["feature_names"]) == sorted(theirs["metadata"]["feature_names"])
    mine, other = by_name(ours), by_name(theirs)
    for name, vector in other.items():
        # Where Feast lets its mark of an unknown time through, ours says null.
        assert mine[name]["values"] == [None if value == -(2**63) else value for value in vector["values"]], name
        assert mine[name]["event_timestamps"] == vector["event_timestamps"], name
    assert {vector["statuses"][1] for name, vector in mine.items() if name != "customer_id"} == {"NOT_FOUND"}
    assert mine["orders_90d"]["statuses"] == ["PRESENT", "NOT_FOUND"]
    assert mine["region"]["statuses"] == ["NULL_VALUE", "NOT_FOUND"]


def by_name(response: dict[str, Any]) -> dict[str, Any]:
    return dict(zip(response["metadata"]["feature_names"], response["results"], strict=True))


async def answer(redis_url: str, body: dict[str, Any]) -> dict[str, Any]:
    client = connect(redis_url)
    request = msgspec.convert(body, OnlineFeaturesRequest)
    result = await get_online_features(RedisOnlineStore(client), request)
    await client.aclose()
    return dict(msgspec.to_builtins(result))


@pytest.fixture
def server(redis_url: str) -> Iterator[str]:
    """Our answers over plain HTTP, for Feast's remote client to read."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            payload = json.dumps(asyncio.run(answer(redis_url, body))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_feasts_remote_client_works_against_the_api(feast: Any, redis_url: str, server: str) -> None:
    from feast import FeatureStore, RepoConfig

    write(redis_url)
    remote = FeatureStore(
        config=RepoConfig(
            project="rtp", provider="local", registry=feast.config.registry.path, entity_key_serialization_version=3,
            online_store={"type": "remote", "path": server},
        )
    )  # fmt: skip
    features = references_of([CUSTOMER_LIVE])
    rows = [{"customer_id": "c1"}, {"customer_id": "nobody"}]
    far = remote.get_online_features(features=features, entity_rows=rows).to_dict()
    near = feast.get_online_features(features=features, entity_rows=rows).to_dict()
    plain = {f.name for f in CUSTOMER_LIVE.features if f.type != "UnixTimestamp"}
    assert {name: far[name] for name in plain} == {name: near[name] for name in plain}
    service = remote.get_feature_service(NEXT_BEST_ACTION.name)
    assert remote.get_online_features(features=service, entity_rows=rows).to_dict()["orders_90d"] == [3, None]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://127.0.0.1:6390/0", "127.0.0.1:6390,db=0"),
        ("redis://cache", "cache:6379,db=0"),
        ("rediss://me:p%40ss@cache:7000/2", "cache:7000,db=2,username=me,password=p@ss,ssl=true"),
    ],
)
def test_redis_addresses_in_feasts_words(url: str, expected: str) -> None:
    assert connection_string(url) == expected


def test_an_address_feast_has_no_words_for_is_refused() -> None:
    with pytest.raises(Fatal, match="RTP_REDIS_URL"):
        connection_string("unix:///tmp/redis.sock")
