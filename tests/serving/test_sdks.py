"""Segment's own libraries, with nothing changed but the host, against the running API and worker."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from segment.analytics import Client

from tests.serving.processes import Api, api_and_worker, running
from tests.waiting import until

CONTEXT = {"channel": "app", "storeId": "s1"}
CALLS = {"track", "identify", "page", "screen", "group", "alias"}
CLIENTS = Path(__file__).parent.parent / "clients"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with api_and_worker(tmp_path_factory.mktemp("sdks")) as started:
        yield started


def everything_arrived(system: Api, user: str, anonymous: str) -> dict[str, Any]:
    """Waits for all six calls of a shopper, looked up by what they were before; gives their profile."""
    lookups = httpx.Client(
        base_url=f"{system.settings.api_url}/v1/profiles/",
        headers={"authorization": f"Bearer {system.keyring.server}"},
        timeout=10.0,
    )

    def seen() -> set[str]:
        answer = lookups.get(f"user_id:{user}/events")
        return {each["type"] for each in answer.json()} if answer.status_code == 200 else set()

    until(lambda: seen() == CALLS, what="all six calls are folded")
    events = lookups.get(f"user_id:{user}/events").json()
    assert len(events) == len(CALLS)
    profile: dict[str, Any] = lookups.get(f"anonymous_id:{anonymous}").json()
    assert profile["identifiers"] == {
        "user_id": [user], "anonymous_id": [anonymous], "email": [f"{user}@shop.test"]
    }  # fmt: skip
    return profile


def check_features(profile: dict[str, Any]) -> None:
    live = profile["features"]["customer_live"]
    assert live["product_views_24h"] == 1
    assert live["last_products"] == ["p1"]
    assert live["current_store_id"] == "s1"
    assert live["current_channel"] == "app"


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_segments_python_library(system: Api, zipped: bool) -> None:
    failures: list[Exception] = []
    user = "py-zipped" if zipped else "py-plain"
    anonymous = f"{user}-anon"
    client = Client(
        system.keyring.write,
        host=system.settings.api_url,
        gzip=zipped,
        max_retries=0,
        on_error=lambda error, _batch: failures.append(error),
    )
    client.page(anonymous_id=anonymous, name="Home", properties={"scrollDepth": 60, "dwellMs": 4000}, context=CONTEXT)
    client.alias(previous_id=anonymous, user_id=user, context=CONTEXT)
    client.identify(user, traits={"email": f"{user}@shop.test"}, context=CONTEXT)
    client.track(user, "Product Viewed", {"product_id": "p1"}, context=CONTEXT)
    client.screen(user, name="Basket", context=CONTEXT)
    client.group(user, "household-1", context=CONTEXT)
    client.shutdown()
    assert failures == []
    check_features(everything_arrived(system, user, anonymous))


def test_segments_python_library_hears_of_a_wrong_key(system: Api) -> None:
    failures: list[Exception] = []
    client = Client(
        "wk_wrong", host=system.settings.api_url, max_retries=0, on_error=lambda error, _batch: failures.append(error)
    )
    client.track("nobody", "Product Viewed")
    client.shutdown()
    assert "401" in str(failures)


def test_what_is_refused_while_redis_is_away_arrives_when_it_is_back(api: Api) -> None:
    """503 and Retry-After are what the library needs to keep the event and send it again."""
    with running([sys.executable, "-m", "rtp", "serve"], **api.environment()):
        until(lambda: answers(api, "/healthz") != "", what="the API is alive", seconds=60.0)
        client = Client(api.keyring.write, host=api.settings.api_url, max_retries=10)
        client.track("u1", "Product Viewed", message_id="m1")
        until(lambda: 'route="/v1/batch",status="503"' in answers(api, "/metrics"), what="the library is refused")
        with api.redis():
            until(api.ready, what="the API is ready", seconds=60.0)
            until(lambda: api.accepted() == 1, what="the library has sent again")
            client.shutdown()
            assert api.accepted() == 1


def answers(api: Api, path: str) -> str:
    """The text of an answer; "" where there is none."""
    try:
        return api.http.get(path).text
    except httpx.TransportError:
        return ""


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the pinned libraries beside the script."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Segment's library for Node is tried only where node and npm are installed (apt-get install npm)")
    installed = CLIENTS / "node_modules" / ".package-lock.json"
    lock = CLIENTS / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run([npm, "ci", "--ignore-scripts", "--silent"], cwd=CLIENTS, check=True, stdout=sys.stderr)
    return node


def test_segments_node_library(system: Api, node: str) -> None:
    user, anonymous = "node-user", "node-anon"
    arguments = [system.settings.api_url, system.keyring.write, user, anonymous]
    sent = subprocess.run([node, CLIENTS / "send.js", *arguments], capture_output=True, text=True, check=False)
    assert (sent.returncode, sent.stderr) == (0, "")
    check_features(everything_arrived(system, user, anonymous))
