"""A Feast project of our own definitions, on an empty Redis, with published marts to materialize."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
import redis

from rtp.settings import Settings
from rtp.stores.feast_repository import apply, feature_store
from rtp.stores.lake import Lake

if TYPE_CHECKING:
    from feast import FeatureStore


@pytest.fixture(autouse=True)
def _others_warnings() -> Iterator[None]:
    """Feast's dependencies warn of each other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def feast_settings(settings: Settings, redis_url: str) -> Settings:
    return msgspec.structs.replace(settings, redis_url=redis_url)


@pytest.fixture
def lake(feast_settings: Settings) -> Lake:
    return Lake(feast_settings.lake_dir)


@pytest.fixture
def feast(feast_settings: Settings) -> "FeatureStore":
    apply(feast_settings)
    return feature_store(feast_settings)


@pytest.fixture
def hashes(redis_url: str) -> Iterator["Hashes"]:
    with redis.Redis.from_url(redis_url) as client:
        yield Hashes(client)


class Hashes:
    """All that is in Redis, as bytes."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def all(self) -> dict[bytes, dict[bytes, bytes]]:
        return {key: self._client.hgetall(key) for key in self._client.scan_iter()}  # type: ignore[misc]

    def put(self, key: bytes, fields: dict[bytes, bytes]) -> None:
        self._client.hset(key, mapping=fields)  # type: ignore[arg-type]

    def clear(self) -> None:
        self._client.flushall()


def repository() -> Path:
    return Path(__file__).resolve().parents[2] / "feature_repo"
