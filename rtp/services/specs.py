"""Which processes one machine runs: their command lines, environments and how each shows that it is well."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from rtp.services.dagster_home import dagster_home
from rtp.services.redis_server import find_redis, redis_arguments
from rtp.settings import Settings, environment_of


class ServiceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One process to keep running.

    `health_url` answers 200 (or PONG for redis://) once the service is ready; empty means that living is enough.
    """

    name: str
    arguments: list[str]
    url: str = ""
    health_url: str = ""
    port: int | None = None
    port_variable: str = ""
    environment: dict[str, str] = {}
    cwd: Path | None = None


def service_specs(settings: Settings) -> list[ServiceSpec]:
    """All services in starting order; Redis only where RTP_REDIS_URL names no other."""
    own_redis = [] if settings.redis_url else [_redis(settings)]
    workers = [_worker(settings, number) for number in range(max(1, settings.workers))]
    return [*own_redis, _api(settings), *workers, _webserver(settings), _daemon(settings)]


def redis_data_dir(settings: Settings) -> Path:
    """Where the embedded Redis keeps its append-only file."""
    return settings.state_dir / "redis"


def child_environment(settings: Settings, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """What every child process gets: the same settings, one thread per library, no telemetry, our own tools on PATH."""
    source = dict(os.environ if base is None else base) | environment_of(settings)
    tools = str(Path(sys.executable).parent)
    return source | {
        "PATH": os.pathsep.join([tools, source.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "DO_NOT_TRACK": "1",
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DAGSTER_HOME": str(dagster_home(settings)),
    }


def yielding(arguments: list[str]) -> list[str]:
    """The same command, stepping back when processors are busy: builds yield to shoppers."""
    return ["nice", "-n", "10", *arguments]


def _redis(settings: Settings) -> ServiceSpec:
    arguments = redis_arguments(
        find_redis().path, redis_data_dir(settings), host=settings.host, port=settings.redis_port
    )
    return ServiceSpec(
        name="redis",
        arguments=arguments,
        url=settings.redis_address,
        health_url=settings.redis_address,
        port=settings.redis_port,
        port_variable="RTP_REDIS_PORT",
    )


def _api(settings: Settings) -> ServiceSpec:
    return ServiceSpec(
        name="api",
        arguments=[sys.executable, "-m", "rtp", "serve"],
        url=settings.api_url,
        health_url=f"{settings.api_url}/readyz",
        port=settings.api_port,
        port_variable="RTP_API_PORT",
        # More OpenMP threads than one made scoring 40 times slower under load.
        environment={"OMP_NUM_THREADS": "1"},
    )


def _worker(settings: Settings, number: int) -> ServiceSpec:
    """The first is "worker", the next "worker-2" on the port after."""
    port = settings.worker_port + number
    url = f"http://{settings.host}:{port}"
    return ServiceSpec(
        name=f"worker-{number + 1}" if number else "worker",
        arguments=[sys.executable, "-m", "rtp", "worker"],
        url=url,
        health_url=f"{url}/healthz",
        port=port,
        port_variable="RTP_WORKER_PORT",
        environment={"OMP_NUM_THREADS": "1", "RTP_WORKER_PORT": str(port)},
    )


def _dagster(settings: Settings, program: str, *more: str) -> list[str]:
    workspace = str(settings.root / "workspace.yaml")
    started = [sys.executable, "-m", "rtp_dagster.first_start", str(Path(sys.executable).parent / program)]
    return yielding([*started, *more, "--workspace", workspace])


def _webserver(settings: Settings) -> ServiceSpec:
    return ServiceSpec(
        name="dagster",
        arguments=_dagster(
            settings, "dagster-webserver", "--host", settings.host, "--port", str(settings.dagster_port)
        ),
        url=settings.dagster_url,
        health_url=f"{settings.dagster_url}/server_info",
        port=settings.dagster_port,
        port_variable="RTP_DAGSTER_PORT",
        cwd=settings.root,
    )


def _daemon(settings: Settings) -> ServiceSpec:
    arguments = _dagster(settings, "dagster-daemon", "run")
    return ServiceSpec(name="daemon", arguments=arguments, cwd=settings.root)
