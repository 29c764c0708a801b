"""One child process: started in a session of its own, stopped with all that it started."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

from rtp.services.specs import ServiceSpec

LOG_LIMIT_BYTES = 50_000_000
_PR_SET_PDEATHSIG = 1


class ServiceProcess:
    """A running service; its output goes to `<logs>/<name>.log`."""

    def __init__(self, spec: ServiceSpec, environment: dict[str, str], logs_dir: Path) -> None:
        self.spec = spec
        self.log_path = logs_dir / f"{spec.name}.log"
        _rotate(self.log_path)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                spec.arguments,
                env=environment | spec.environment,
                cwd=spec.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - only the main thread starts services
            )

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Asks the process and its children to end."""
        self._signal(signal.SIGTERM)

    def wait_or_kill(self, seconds: float) -> None:
        """Waits for the end; whatever of its group is left after that is killed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _die_with_parent() -> None:
    # A supervisor killed with -9 cannot clean up; the kernel does it for the direct children.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _rotate(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))


def log_tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log file, or "" if there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 16_384))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
