"""Starts the services, restarts what crashes, and leaves nothing behind."""

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType

from rtp.errors import Fatal
from rtp.services.health import is_ready, port_is_free, redis_answers
from rtp.services.process import ServiceProcess, log_tail
from rtp.services.redis_server import find_redis, refuse_older
from rtp.services.run_state import RunState, ServiceRun, supervisor_lock, write_run_state
from rtp.services.specs import ServiceSpec, child_environment, redis_data_dir, service_specs
from rtp.settings import Settings

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
STOP_SECONDS = 15.0
START_SECONDS = 180.0
CRASHES_BEFORE_GIVING_UP = 5
STEADY_SECONDS = 30.0


class _Watched:
    def __init__(self, spec: ServiceSpec) -> None:
        self.spec = spec
        self.process: ServiceProcess | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.restarts = 0
        self.crashes = 0
        self.ready = False


class Supervisor:
    """Keeps the services of one state directory running until it is told to stop."""

    def __init__(self, settings: Settings, specs: Sequence[ServiceSpec] | None = None) -> None:
        self._settings = settings
        self._specs = specs
        self._stopping = threading.Event()
        self._started = False
        self._watched: list[_Watched] = []
        self._environment: dict[str, str] = {}

    def __enter__(self) -> "Supervisor":
        """Takes the lock and starts all services; returns once each is ready.

        Raises Fatal if one is up already, a port is taken, Redis cannot be reached or a service will not start.
        """
        self._lock = supervisor_lock(self._settings)
        self._lock.__enter__()
        try:
            specs = service_specs(self._settings) if self._specs is None else self._specs
            preflight(self._settings, specs)
            self._environment = child_environment(self._settings)
            self._start_all(specs)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_all()
        self._lock.__exit__(None, None, None)

    def stop_on_signals(self) -> None:
        """SIGTERM and SIGINT end :meth:`watch`."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends :meth:`watch`."""
        self._stopping.set()

    def watch(self) -> None:
        """Restarts what ends, until told to stop."""
        while not self._stopping.wait(POLL_SECONDS):
            self._tend()

    def _start_all(self, specs: Sequence[ServiceSpec]) -> None:
        for spec in specs:
            watched = _Watched(spec)
            self._watched.append(watched)
            self._start(watched)
            if spec.name == "redis":
                self._await_ready([watched])
        self._await_ready(self._watched)
        self._started = True
        self._write_state()

    def _start(self, watched: _Watched) -> None:
        watched.process = ServiceProcess(watched.spec, self._environment, self._settings.logs_dir)
        watched.started_at = time.monotonic()
        self._write_state()

    def _await_ready(self, waited_for: list[_Watched]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not all(watched.ready for watched in waited_for):
            if self._stopping.wait(POLL_SECONDS):
                raise KeyboardInterrupt
            self._tend()
            for watched in waited_for:
                watched.ready = watched.ready or _answers(watched.spec)
                if not watched.ready and (watched.crashes >= CRASHES_BEFORE_GIVING_UP or time.monotonic() > deadline):
                    raise _would_not_start(watched, self._settings)

    def _tend(self) -> None:
        now = time.monotonic()
        for watched in self._watched:
            process = watched.process
            if process is not None and process.exit_code is not None:
                process.wait_or_kill(0)
                steady = now - watched.started_at > STEADY_SECONDS
                watched.crashes = 1 if steady else watched.crashes + 1
                watched.start_at = now + min(10.0, 0.25 * 2 ** (watched.crashes - 1))
                log.warning("%s ended with code %s; starting it again", watched.spec.name, process.exit_code)
                watched.process = None
            if watched.process is None and now >= watched.start_at:
                watched.restarts += 1
                self._start(watched)

    def _stop_all(self) -> None:
        # Redis goes last: the others finish what they hold first.
        for group in ([w for w in self._watched if w.spec.name != "redis"], self._watched):
            running = [watched.process for watched in group if watched.process is not None]
            for process in running:
                process.terminate()
            deadline = time.monotonic() + STOP_SECONDS
            for process in running:
                process.wait_or_kill(max(0.0, deadline - time.monotonic()))
            for watched in group:
                watched.process = None

    def _write_state(self) -> None:
        services = {
            watched.spec.name: ServiceRun(
                pid=watched.process.pid if watched.process else 0,
                url=watched.spec.url,
                health_url=watched.spec.health_url,
                restarts=watched.restarts,
            )
            for watched in self._watched
        }
        write_run_state(self._settings, RunState(pid=os.getpid(), services=services, started=self._started))


def preflight(settings: Settings, specs: Sequence[ServiceSpec]) -> None:
    """Raises Fatal, naming the cause, if the services could not start: a taken port, no Redis, older Redis."""
    if settings.redis_url:
        if not redis_answers(settings.redis_url):
            raise Fatal(
                "The Redis that RTP_REDIS_URL names does not answer.",
                hint="Start it or correct the URL; unset RTP_REDIS_URL to use the embedded one.",
            )
    else:
        refuse_older(redis_data_dir(settings), find_redis())
    for spec in specs:
        if spec.port is not None and not port_is_free(settings.host, spec.port):
            raise Fatal(
                f"Port {spec.port}, which {spec.name} needs, is taken by another program.",
                hint=f"Stop that program, or choose another port: {spec.port_variable}=<port>.",
            )


def _answers(spec: ServiceSpec) -> bool:
    return is_ready(spec.health_url) if spec.health_url else True


def _would_not_start(watched: _Watched, settings: Settings) -> Fatal:
    path = settings.logs_dir / f"{watched.spec.name}.log"
    words = [line.strip("│ \t") for line in log_tail(path).splitlines() if any(map(str.isalnum, line))]
    last = words[-1] if words else "it wrote nothing"
    return Fatal(f"{watched.spec.name} does not start: {last}", hint=f"Its log is {path}.")
