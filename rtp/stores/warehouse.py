"""The DuckDB warehouse: one opener at a time, and what dbt is told about it."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from rtp.errors import Rejected, Retryable
from rtp.settings import Settings
from rtp.stores.archive_schema import prepare_archives
from rtp.stores.feeds.prepare import prepare_lake
from rtp.stores.file_lock import acquired
from rtp.stores.lake import Lake

LOCK_FILE = "warehouse.lock"
LOCK_WAIT_SECONDS = 900.0
MEMORY_LIMIT = "2GB"


class _Held(threading.local):
    """Which locks this thread holds: taking one again must not wait for itself."""

    def __init__(self) -> None:
        self.paths: set[Path] = set()


_held = _Held()

Report = Callable[[str], None]
"""Takes one line about what is going on."""


@contextmanager
def warehouse_lock(
    settings: Settings, *, wait_seconds: float = LOCK_WAIT_SECONDS, report: Report | None = None
) -> Iterator[None]:
    """Holds the right to open the DuckDB file, across processes; re-entrant within a thread.

    DuckDB shuts out every other process while one has the file open, so all of them take this lock first. Waits up
    to `wait_seconds` and then raises Retryable naming the process that holds it; `report` is told once about waiting.
    The lock goes with its process, however that ends.
    """
    path = settings.state_dir / LOCK_FILE
    if path in _held.paths:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)

    def tell() -> None:
        if report is not None:
            report(f"waiting for process {_holder(path)}, which is using the warehouse")

    with path.open("a+") as lock:
        if not acquired(lock, wait_seconds, tell):
            raise Retryable(
                f"Another process (pid {_holder(path)}) is using the warehouse.",
                hint="Try again when its build is done.",
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        _held.paths.add(path)
        try:
            yield
        finally:
            _held.paths.discard(path)


def _holder(path: Path) -> str:
    return path.read_text().strip() or "unknown"


@contextmanager
def connect(settings: Settings, *, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the DuckDB file, under the lock, for checks and publishing; closes before the lock goes.

    Raises Rejected before the first build.
    """
    with warehouse_lock(settings):
        if not settings.warehouse_path.exists():
            raise Rejected("There is no warehouse yet.", reason="NO_WAREHOUSE", hint="Run `rtp build` first.")
        with duckdb.connect(str(settings.warehouse_path), read_only=read_only) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute("SET enable_progress_bar = false")
            yield connection


def dbt_environment(settings: Settings, day: date | None = None) -> dict[str, str]:
    """The variables that dbt_project/ reads; add them to the environment of any dbt run.

    `day` (UTC) is taken anew. As a variable of the environment it costs nothing; dbt's `--vars '{day: ...}'` does
    the same but makes dbt parse the whole project again.
    """
    return {
        "RTP_WAREHOUSE_PATH": str(settings.warehouse_path),
        "RTP_LAKE_DIR": str(settings.lake_dir),
        "RTP_WAREHOUSE_MEMORY": MEMORY_LIMIT,
        # What dbt does between its statements goes to no file: writing that down is a tenth of a day's build.
        "DBT_LOG_LEVEL_FILE": "info",
        "RTP_BUILD_DAY": day.isoformat() if day else "",
        "DO_NOT_TRACK": "1",
        # Compiled modules are kept even where the surroundings (containers) turn that off: dbt starts in half the time.
        "PYTHONDONTWRITEBYTECODE": "",
    }


def prepare_warehouse(settings: Settings) -> None:
    """Makes the lake readable even where nothing was loaded or archived yet: dbt's globs then always match."""
    lake = Lake(settings.lake_dir)
    prepare_lake(lake)
    prepare_archives(lake)
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
