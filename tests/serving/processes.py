"""`rtp` processes for tests, and an API with a Redis of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import httpx
import pytest
import redis

from rtp.decisioning.catalog import Catalog
from rtp.optimization.catalog_build import build_catalog
from rtp.optimization.sales import Window
from rtp.services.redis_server import RedisBinary, find_redis, redis_arguments
from rtp.settings import Settings
from rtp.stores.keyring import load_keyring
from tests.conftest import temporary_settings
from tests.decisioning.conftest import AS_OF, sell
from tests.waiting import until


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
            "RTP_WORKER_PORT": str(self.settings.worker_port),
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

    def stream(self, key: str) -> int:
        with redis.Redis.from_url(self.settings.redis_address) as client:
            return int(client.xlen(key))

    def accepted(self) -> int:
        with redis.Redis.from_url(self.settings.redis_address) as client:
            return sum(client.xlen(key) for key in client.scan_iter("rtp:{events:?}"))


@contextmanager
def api_and_worker(folder: Path) -> Iterator[Api]:
    """A whole running system: Redis, API and worker as processes of their own, ready to be asked."""
    data = folder / "redis"
    data.mkdir()
    api = Api(temporary_settings(folder / "state"), find_redis(), data)
    with (
        api.redis(),
        running([sys.executable, "-m", "rtp", "serve"], **api.environment()),
        running([sys.executable, "-m", "rtp", "worker"], **api.environment()),
    ):
        until(api.ready, what="the API is ready", seconds=60.0)
        yield api


@pytest.fixture
def api(settings: Settings, tmp_path: Path) -> Api:
    data = tmp_path / "redis"
    data.mkdir()
    return Api(settings, find_redis(), data)


@pytest.fixture(scope="session")
def small_catalog() -> Catalog:
    """What forty customers of the small retailer buy."""
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'")
    sell(db)
    return build_catalog(db, Window(as_of=int(AS_OF.timestamp())))
