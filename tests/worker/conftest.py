"""Machines that crash."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rtp.services.redis_server import RedisBinary
from rtp.settings import Settings, checkout_root
from tests.worker.crashing import SECRET, Machine


@pytest.fixture
def machine(redis_binary: RedisBinary, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(redis_binary, tmp_path)
    try:
        yield machine
    finally:
        for process in machine.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def crash_settings(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("RTP_IDENTITY_SECRET", SECRET)
    return Settings(
        root=checkout_root(), state_dir=tmp_path / "state", config_dir=checkout_root() / "config",
        redis_port=machine.redis_port, worker_port=machine.worker_port, partitions=4,
    )  # fmt: skip
