"""One process at a time: a lock that goes with the process, however that ends."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rtp.errors import Retryable

POLL_SECONDS = 0.1


@contextmanager
def alone(path: Path, message: str, hint: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Holds the lock file; raises Retryable, saying `message`, where another has it for longer than one waits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        if not acquired(lock, wait_seconds):
            raise Retryable(message, hint=hint)
        yield


def acquired(lock: TextIO, wait_seconds: float, waiting: Callable[[], None] = lambda: None) -> bool:
    """Whether the open file's lock could be had in time; `waiting` is told once that another process has it."""
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            if not told:
                waiting()
                told = True
            time.sleep(POLL_SECONDS)
        else:
            return True
