"""One process at a time: a lock that goes with the process, however that ends."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rtp.errors import Retryable

POLL_SECONDS = 0.1


@contextmanager
def alone(path: Path, message: str, hint: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Holds the lock file; raises Retryable, saying `message`, where another has it for longer than one waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_seconds
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise Retryable(message, hint=hint) from error
                time.sleep(POLL_SECONDS)
        yield
