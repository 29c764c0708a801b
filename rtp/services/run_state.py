"""What runs, as a file that other commands read: one supervisor per state directory, held by a file lock."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from rtp.errors import Fatal
from rtp.settings import Settings
from rtp.stores.lake import appearing


class ServiceRun(msgspec.Struct, frozen=True):
    """A service as the supervisor sees it."""

    pid: int
    url: str
    health_url: str
    restarts: int


class RunState(msgspec.Struct, frozen=True):
    """The supervisor and its services."""

    pid: int
    services: dict[str, ServiceRun]
    started: bool = False
    """Every service has been ready once."""


def _run_dir(settings: Settings) -> Path:
    return settings.state_dir / "run"


def read_run_state(settings: Settings) -> RunState | None:
    """The running supervisor's state, or None if none runs."""
    path = _run_dir(settings) / "services.json"
    if not path.exists() or not _lock_is_held(settings):
        return None
    return msgspec.json.decode(path.read_bytes(), type=RunState)


def write_run_state(settings: Settings, state: RunState) -> None:
    """Replaces the file."""
    with appearing(_run_dir(settings) / "services.json") as aside:
        aside.write_bytes(msgspec.json.encode(state))


@contextmanager
def supervisor_lock(settings: Settings) -> Iterator[None]:
    """Held while a supervisor runs; raises Fatal if one already does. The kernel frees it however it ends."""
    descriptor = _open_lock(settings)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Fatal("It is already up.", hint="`rtp status` shows where; `rtp down` stops it.") from error
        yield
    finally:
        os.close(descriptor)


def _open_lock(settings: Settings) -> int:
    directory = _run_dir(settings)
    directory.mkdir(parents=True, exist_ok=True)
    return os.open(directory / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock_is_held(settings: Settings) -> bool:
    descriptor = _open_lock(settings)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
