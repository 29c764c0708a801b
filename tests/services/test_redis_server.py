"""The embedded Redis is found, keeps its data and is never downgraded."""

import sys
from pathlib import Path

import pytest
import redis

from rtp.errors import Fatal
from rtp.services.embedded import redis_available
from rtp.services.redis_server import RedisBinary, path_binary, redis_arguments, refuse_older
from rtp.settings import Settings


def test_data_written_by_a_newer_server_is_refused_by_name(tmp_path: Path) -> None:
    refuse_older(tmp_path, RedisBinary(Path("redis-server"), (7, 0, 15)))
    with pytest.raises(Fatal, match=r"written by Redis 7\.0\.15; redis-server is 6\.2\.14"):
        refuse_older(tmp_path, RedisBinary(Path("redis-server"), (6, 2, 14)))


def test_every_acknowledged_write_is_on_disk_first() -> None:
    arguments = redis_arguments(Path("redis-server"), Path("data"), host="127.0.0.1", port=1)
    assert arguments[arguments.index("--appendonly") + 1] == "yes"
    assert arguments[arguments.index("--appendfsync") + 1] == "always"


def test_data_survives_the_end_of_the_embedded_server(settings: Settings) -> None:
    for expected in (None, b"kept"):
        with redis_available(settings), redis.Redis.from_url(settings.redis_address) as client:
            assert client.get("key") == expected
            client.set("key", "kept")


def test_the_wheels_server_in_the_interpreters_folder_is_not_taken_for_the_systems(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert path_binary() is None
