"""`rtp serve` as a process of its own, over real HTTP, with its Redis killed under it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
import redis

from rtp.services.redis_server import RedisBinary, redis_arguments
from rtp.settings import Settings
from rtp.stores.keyring import load_keyring
from tests.conftest import free_port


def until(what: str, done: Callable[[], bool], seconds: float = 60.0) -> None:
    give_up = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < give_up, what
        time.sleep(0.02)


@contextmanager
def running(arguments: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(arguments, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=None)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Api:
    """A served API and its Redis."""

    def __init__(self, settings: Settings, binary: RedisBinary, data_dir: Path) -> None:
        self.settings = settings
        self.keyring = load_keyring(settings)
        self._redis = redis_arguments(binary.path, data_dir, host="127.0.0.1", port=settings.redis_port)
        self.http = httpx.Client(base_url=settings.api_url, auth=httpx.BasicAuth(self.keyring.write, ""), timeout=10.0)

    def environment(self) -> dict[str, str]:
        return {
            "RTP_STATE_DIR": str(self.settings.state_dir),
            "RTP_API_PORT": str(self.settings.api_port),
            "RTP_REDIS_PORT": str(self.settings.redis_port),
        }

    def redis(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        return running(self._redis)

    def ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def track(self, message_id: str) -> httpx.Response:
        return self.http.post("/v1/track", json={"userId": "u1", "event": "Product Viewed", "messageId": message_id})

    def accepted(self) -> int:
        with redis.Redis.from_url(self.settings.redis_address) as client:
            return sum(client.xlen(key) for key in client.scan_iter("rtp:{events:?}"))


@pytest.fixture
def api(settings: Settings, redis_binary: RedisBinary, tmp_path: Path) -> Api:
    data = tmp_path / "redis"
    data.mkdir()
    return Api(settings, redis_binary, data)


def test_events_answered_200_outlive_a_killed_redis_and_the_api_comes_back(api: Api) -> None:
    with running([sys.executable, "-m", "rtp", "serve"], **api.environment()) as process:
        with api.redis() as server:
            until("the API is ready", api.ready)
            assert [api.track(f"m{number}").status_code for number in range(20)] == [200] * 20
            server.kill()
            server.wait()
            answer = api.track("during")
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
            assert int(answer.headers["retry-after"]) >= 1
        with api.redis():
            until("the API is ready again", api.ready)
            assert api.accepted() == 20
            assert api.track("during").status_code == 200
            assert api.accepted() == 21
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0


def test_a_taken_port_is_one_clear_line(api: Api) -> None:
    with running([sys.executable, "-m", "http.server", str(api.settings.api_port), "--bind", "127.0.0.1"]):
        until("the port is taken", lambda: _listens(api.settings.api_port))
        answer = subprocess.run(
            [sys.executable, "-m", "rtp", "serve"],
            env={**os.environ, **api.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert answer.returncode == 1
    assert "RTP_API_PORT" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("command", [["profile", "user_id:1"], ["decide", "user_id:1"], ["trace", "d1"]])
def test_commands_say_that_the_api_is_away(settings: Settings, command: list[str]) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "rtp", *command],
        env={**os.environ, "RTP_STATE_DIR": str(settings.state_dir), "RTP_API_PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "rtp up" in answer.stderr
    assert "Traceback" not in answer.stderr


def _listens(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/")
    except httpx.TransportError:
        return False
    return True
