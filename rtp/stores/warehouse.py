"""The DuckDB warehouse: one opener at a time, built by dbt in a process of its own."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from rtp.errors import Fatal, Rejected, Retryable
from rtp.settings import Settings
from rtp.stores.archive_schema import prepare_archives
from rtp.stores.feeds.prepare import prepare_lake
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


class BuildFailure(msgspec.Struct, frozen=True):
    """One model or test that did not hold."""

    name: str
    status: str
    failures: int
    message: str


class BuildResult(msgspec.Struct, frozen=True):
    """What a build did: how many dbt nodes succeeded, warned, and how long each model took."""

    nodes: int
    warnings: int
    seconds: Mapping[str, float]


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
    with path.open("a+") as lock:
        _wait_for(lock.fileno(), path, wait_seconds, report)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        _held.paths.add(path)
        try:
            yield
        finally:
            _held.paths.discard(path)


def _wait_for(descriptor: int, path: Path, wait_seconds: float, report: Report | None) -> None:
    deadline = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text().strip() or "unknown"
            if time.monotonic() >= deadline:
                raise Retryable(
                    f"Another process (pid {holder}) is using the warehouse.", hint="Try again when its build is done."
                ) from None
            if report is not None and not told:
                report(f"waiting for process {holder}, which is using the warehouse")
                told = True
            time.sleep(0.1)
        else:
            return


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
        "RTP_BUILD_DAY": day.isoformat() if day else "",
        "DO_NOT_TRACK": "1",
    }


def prepare_warehouse(settings: Settings) -> None:
    """Makes the lake readable even where nothing was loaded or archived yet: dbt's globs then always match."""
    lake = Lake(settings.lake_dir)
    prepare_lake(lake)
    prepare_archives(lake)
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)


def build_warehouse(
    settings: Settings,
    *,
    day: date | None = None,
    select: Sequence[str] | None = None,
    full_refresh: bool = False,
    report: Report | None = None,
) -> BuildResult:
    """Builds and tests all models (or those of `select`, in dbt's selection syntax), under the lock.

    Takes in what is new in the lake; `day` (UTC) is taken anew besides; `full_refresh` forgets and starts over.
    Raises Rejected naming each model or test that failed, with dbt's own message; nothing is published either way.
    """
    prepare_warehouse(settings)
    # Unit tests are about the logic, not about this data: `dbt test` and the project's own tests run them.
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if select:
        arguments += ["--select", *select]
    if full_refresh:
        arguments += ["--full-refresh"]
    with warehouse_lock(settings, report=report):
        return run_dbt(settings, arguments, day=day)


def run_dbt(settings: Settings, arguments: Sequence[str], *, day: date | None = None) -> BuildResult:
    """Runs one dbt command to its end, in a process of its own so that the file and the memory are free after it.

    The caller holds the lock where the command opens the warehouse.
    """
    target = settings.state_dir / "dbt"
    results = target / "run_results.json"
    results.unlink(missing_ok=True)
    project = settings.root / "dbt_project"
    paths = ["--project-dir", project, "--profiles-dir", project, "--target-path", target]
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments, *map(str, paths)]
    command += ["--log-path", str(settings.logs_dir), "--no-use-colors"]
    environment = os.environ | dbt_environment(settings, day)
    done = subprocess.run(command, env=environment, cwd=project, capture_output=True, text=True, check=False)
    if not results.exists():
        raise Fatal(
            f"dbt could not start: {_last_lines(done.stdout + done.stderr)}", hint=f"See {settings.logs_dir}/dbt.log."
        )
    return _read_results(results, settings)


def _last_lines(text: str, count: int = 6) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-count:])


def _read_results(path: Path, settings: Settings) -> BuildResult:
    results: list[dict[str, Any]] = msgspec.json.decode(path.read_bytes())["results"]
    failed = [_failure(result) for result in results if result["status"] in {"error", "fail", "runtime error"}]
    if failed:
        named = "; ".join(f"{item.name}: {item.message}" for item in failed[:5])
        more = f" (and {len(failed) - 5} more)" if len(failed) > 5 else ""
        raise Rejected(
            f"The warehouse build failed at {len(failed)} of {len(results)} steps: {named}{more}",
            reason="BUILD_FAILED",
            hint=f"What was published before stays. Details: {settings.logs_dir}/dbt.log.",
        )
    return BuildResult(
        nodes=sum(result["status"] in {"success", "pass"} for result in results),
        warnings=sum(result["status"] == "warn" for result in results),
        seconds={
            result["unique_id"].split(".")[-1]: round(float(result["execution_time"]), 3)
            for result in results
            if result["unique_id"].startswith("model.")
        },
    )


def _failure(result: dict[str, Any]) -> BuildFailure:
    kind, _, *name = str(result["unique_id"]).split(".")
    message = " ".join(str(result.get("message") or "").split())
    # A test's unique id ends in a hash after its name; its own name is enough for a person.
    label = name[0] if kind == "test" else name[-1]
    return BuildFailure(label, result["status"], int(result.get("failures") or 0), message[:300])
