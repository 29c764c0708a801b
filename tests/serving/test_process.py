"""`rtp serve` as a process of its own, over real HTTP, with its Redis killed under it."""

import os
import signal
import subprocess
import sys

import httpx
import pytest

from rtp.settings import Settings
from tests.conftest import free_port
from tests.serving.processes import Api, running
from tests.waiting import until


def test_events_answered_200_outlive_a_killed_redis_and_the_api_comes_back(api: Api) -> None:
    with running([sys.executable, "-m", "rtp", "serve"], **api.environment()) as process:
        with api.redis() as server:
            until(api.ready, what="the API is ready", seconds=60.0)
            assert [api.track(f"m{number}").status_code for number in range(20)] == [200] * 20
            server.kill()
            server.wait()
            answer = api.track("during")
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
            assert int(answer.headers["retry-after"]) >= 1
        with api.redis():
            until(api.ready, what="the API is ready again", seconds=60.0)
            assert api.accepted() == 20
            assert api.track("during").status_code == 200
            assert api.accepted() == 21
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0


def test_events_are_refused_with_retry_after_before_redis_is_out_of_memory(api: Api) -> None:
    with running([sys.executable, "-m", "rtp", "serve"], RTP_REDIS_MEMORY_MB="1", **api.environment()), api.redis():
        until(api.ready, what="the API is ready", seconds=60.0)
        answer = api.track("m1")
        assert (answer.status_code, int(answer.headers["retry-after"])) == (503, 5)
        assert "memory" in answer.json()["detail"]
        assert api.accepted() == 0


def test_a_taken_port_is_one_clear_line(api: Api) -> None:
    with running([sys.executable, "-m", "http.server", str(api.settings.api_port), "--bind", "127.0.0.1"]):
        until(lambda: _listens(api.settings.api_port), what="the port is taken", seconds=60.0)
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
