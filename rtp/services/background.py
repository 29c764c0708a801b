"""A supervisor in the background: started, awaited, stopped."""

import os
import signal
import subprocess
import sys
import time

from rtp.errors import Fatal
from rtp.services.process import log_tail
from rtp.services.run_state import read_run_state
from rtp.services.specs import child_environment
from rtp.settings import Settings

START_SECONDS = 200.0
STOP_SECONDS = 60.0


def start_detached(settings: Settings) -> None:
    """Starts a supervisor that outlives this process; returns once all services are well.

    Raises Fatal with the supervisor's own last words if it ends before that.
    """
    log_path = settings.logs_dir / "supervisor.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rtp", "up"],
            env=child_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Fatal(log_tail(log_path, lines=3).removeprefix("error: ") or "The services ended at once.")
        state = read_run_state(settings)
        if state is not None and state.started:
            return
        time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    raise Fatal("The services did not become well in time.", hint=f"Their logs are in {settings.logs_dir}.")


def stop_running(settings: Settings) -> bool:
    """Stops the running supervisor and waits for its end; False if none runs."""
    state = read_run_state(settings)
    if state is None:
        return False
    os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while read_run_state(settings) is not None:
        if time.monotonic() > deadline:
            raise Fatal(f"The supervisor (process {state.pid}) does not stop.", hint=f"kill -9 {state.pid} ends it.")
        time.sleep(0.1)
    return True
