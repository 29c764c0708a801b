"""The whole loop as a stranger sees it: the command, real processes, and two of them killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rtp.services.run_state import read_run_state
from rtp.settings import Settings
from tests.conftest import free_port
from tests.waiting import until

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, dict[str, str]]]:
    """A state directory that holds the sample, and the environment that points at it."""
    root = Path(__file__).parent.parent.parent
    settings = Settings(
        root=root,
        state_dir=tmp_path_factory.mktemp("demo") / "state",
        config_dir=root / "config",
        api_port=free_port(),
        dagster_port=free_port(),
        redis_port=free_port(),
        worker_port=free_port(),
    )
    environment = os.environ | {
        "RTP_STATE_DIR": str(settings.state_dir),
        "RTP_API_PORT": str(settings.api_port),
        "RTP_DAGSTER_PORT": str(settings.dagster_port),
        "RTP_REDIS_PORT": str(settings.redis_port),
        "RTP_WORKER_PORT": str(settings.worker_port),
    }
    rtp(environment, "load", str(SAMPLE), "--shift-to-yesterday")
    yield settings, environment
    rtp(environment, "down")


def rtp(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rtp", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def kill(settings: Settings, service: str) -> None:
    state = read_run_state(settings)
    assert state is not None
    os.kill(state.services[service].pid, signal.SIGKILL)


@pytest.mark.timeout(900)
def test_the_demo_holds_every_promise_though_worker_and_redis_are_killed_while_shoppers_act(
    loaded: tuple[Settings, dict[str, str]],
) -> None:
    settings, environment = loaded
    command = [sys.executable, "-m", "rtp", "demo", "--fast", "--exit", "--json", "--shoppers", "40"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        killer = threading.Thread(target=_kill_while_shoppers_act, args=(settings,), daemon=True)
        killer.start()
        output, errors = process.communicate()
    killer.join()
    summary = json.loads(output)
    assert summary["held"], json.dumps(summary["promises"], indent=1) + errors[-3000:]
    assert process.returncode == 0
    assert read_run_state(settings) is None
    leftovers = [found for found in psutil.process_iter(["environ"]) if _belongs(found, settings)]
    until(lambda: not any(found.is_running() for found in leftovers))


def _kill_while_shoppers_act(settings: Settings) -> None:
    marker = settings.state_dir / "logs" / "api.log"
    until(lambda: marker.exists() and b"/v1/batch" in marker.read_bytes(), seconds=280)
    kill(settings, "worker")
    kill(settings, "redis")


def _belongs(process: psutil.Process, settings: Settings) -> bool:
    environment = process.info["environ"] or {}
    return environment.get("RTP_STATE_DIR") == str(settings.state_dir) and process.pid != os.getpid()
