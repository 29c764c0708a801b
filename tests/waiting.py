"""Waiting for a condition instead of sleeping for luck."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], *, what: str = "the condition never came true", seconds: float = 30.0) -> None:
    """Returns once the condition holds; fails the test, saying `what`, if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)
