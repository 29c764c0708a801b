"""One process at a time: a lock that goes with the process, however that ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rtp.errors import Retryable


@contextmanager
def alone(path: Path, message: str, hint: str) -> Iterator[None]:
    """Holds the lock file; raises Retryable, saying `message`, while another process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Retryable(message, hint=hint) from error
        yield
