"""Services are kept running, and nothing is left behind."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from rtp.errors import Fatal
from rtp.services.health import is_ready
from rtp.services.run_state import read_run_state
from rtp.services.specs import ServiceSpec
from rtp.services.supervisor import Supervisor
from rtp.settings import Settings
from tests.conftest import free_port
from tests.waiting import until

SERVER = "import http.server, subprocess, sys; child = subprocess.Popen(['sleep', '1000']);\
 http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"


def http_service(port: int, cwd: Path) -> ServiceSpec:
    url = f"http://127.0.0.1:{port}"
    return ServiceSpec(
        name="web",
        arguments=[sys.executable, "-c", SERVER, str(port)],
        url=url,
        health_url=url,
        port=port,
        port_variable="RTP_API_PORT",
        cwd=cwd,
    )


@pytest.fixture
def watching() -> Callable[[Supervisor], None]:
    """Lets a supervisor watch in the background until it is stopped."""
    return lambda supervisor: threading.Thread(target=supervisor.watch, daemon=True).start()


def running_pid(settings: Settings) -> int:
    state = read_run_state(settings)
    return state.services["web"].pid if state else 0


def test_a_crashed_service_is_started_again(
    settings: Settings, tmp_path: Path, watching: Callable[[Supervisor], None]
) -> None:
    spec = http_service(free_port(), tmp_path)
    with Supervisor(settings, [spec]) as supervisor:
        watching(supervisor)
        first = running_pid(settings)
        os.kill(first, signal.SIGKILL)
        until(lambda: running_pid(settings) not in {0, first} and is_ready(spec.health_url))
        supervisor.stop()


def test_stopping_leaves_no_process_behind_not_even_grandchildren(settings: Settings, tmp_path: Path) -> None:
    with Supervisor(settings, [http_service(free_port(), tmp_path)]):
        parent = psutil.Process(running_pid(settings))
        family = [parent, *parent.children(recursive=True)]
        assert len(family) == 2
    until(lambda: not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family))
    assert read_run_state(settings) is None


def test_a_taken_port_is_named_with_the_variable_that_moves_it(settings: Settings, tmp_path: Path) -> None:
    spec = http_service(free_port(), tmp_path)
    with (
        Supervisor(settings, [spec]),
        pytest.raises(Fatal, match=rf"Port {spec.port}.*RTP_API_PORT"),
        Supervisor(_elsewhere(settings, tmp_path), [spec]),
    ):
        pass


def test_a_second_supervisor_says_that_it_is_already_up(settings: Settings, tmp_path: Path) -> None:
    spec = http_service(free_port(), tmp_path)
    with Supervisor(settings, [spec]), pytest.raises(Fatal, match="already up"), Supervisor(settings, [spec]):
        pass


def test_a_service_that_cannot_start_is_named_with_its_last_words(settings: Settings) -> None:
    broken = ServiceSpec(
        name="web",
        arguments=[sys.executable, "-c", "raise SystemExit('no such table')"],
        health_url="http://127.0.0.1:1",
    )
    with pytest.raises(Fatal, match=r"web does not start: no such table"), Supervisor(settings, [broken]):
        pass


def test_an_unreachable_redis_url_is_one_clear_error(settings: Settings, tmp_path: Path) -> None:
    import msgspec

    elsewhere = msgspec.structs.replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(Fatal, match="RTP_REDIS_URL"), Supervisor(elsewhere, [http_service(free_port(), tmp_path)]):
        pass


def test_output_of_a_service_is_in_its_own_log(settings: Settings, tmp_path: Path) -> None:
    spec = http_service(free_port(), tmp_path)
    with Supervisor(settings, [spec]):
        httpx.get(spec.url + "/hello")
        until(lambda: "GET /hello" in (settings.logs_dir / "web.log").read_text())


def _elsewhere(settings: Settings, tmp_path: Path) -> Settings:
    import msgspec

    return msgspec.structs.replace(settings, state_dir=tmp_path / "other")
