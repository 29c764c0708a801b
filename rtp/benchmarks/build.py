"""`rtp bench build`: the warehouse from The Complete Journey, promotions included, and then the day that comes next.

The last day's orders and redemptions are held back, all the rest is built in full, and then they arrive. Goals: the
full build within 60 s and 3 GiB, the one-day increment within a fifth of its time.
"""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import psutil

from rtp.benchmarks.result import BenchResult, Measure
from rtp.clock import system_clock
from rtp.errors import Fatal
from rtp.identity.keys import KeyedHash
from rtp.settings import Settings, checkout_root
from rtp.signals.feeds.schema_sql import literal
from rtp.simulation.completejourney.load import load_completejourney
from rtp.stores.feeds.session import feed_session
from rtp.stores.identity_links import write_identity_links
from rtp.stores.lake import Lake
from rtp.stores.lake_facts import data_files
from rtp.stores.warehouse import connect

POLL_SECONDS = 0.05
LAST_DAY = date(2017, 12, 31)
"""The data set's last whole day (UTC); the four hours after it stay out."""
DATED = {"order_lines": "ordered_at", "offer_redemptions": "redeemed_at"}
"""What arrives with a day, and the time in it."""
BUILD = """
import sys, datetime, pathlib
from rtp.settings import load_settings
from rtp.stores.warehouse_build import build_warehouse
day = datetime.date.fromisoformat(sys.argv[1]) if len(sys.argv) > 1 else None
build_warehouse(load_settings(), day=day, full_refresh=day is None)
"""


class _Run(msgspec.Struct, frozen=True):
    seconds: float
    cpu_seconds: float
    peak_bytes: int


def run(*, state_dir: Path | None = None) -> BenchResult:
    """Loads (unless `state_dir` holds the lake already), builds up to the last day, then takes in the last day."""
    with _state(state_dir) as folder:
        root = checkout_root()
        settings = Settings(root=root, state_dir=folder, config_dir=root / "config")
        lake = Lake(settings.lake_dir)
        started = time.perf_counter()
        load_completejourney(lake, now=system_clock(), original_dates=True)
        loading = time.perf_counter() - started
        # The customers' ids need a secret, not ours: nothing of this leaves the folder.
        write_identity_links(lake, KeyedHash(b"benchmark, not a secret of anybody"))
        with held_back(lake, LAST_DAY) as arrive:
            full = _measured_build(settings, None)
            before = _sizes(settings)
            arrive()
            increment = _measured_build(settings, LAST_DAY)
            lines, promotions = _sizes(settings)
    return BenchResult(
        bench="build",
        rows=[
            Measure("order_lines", lines, "rows"),
            Measure("order_lines_of_the_day", lines - before[0], "rows"),
            Measure("promotions", promotions, "rows"),
            Measure("load", round(loading, 1), "s"),
            Measure("full_build", round(full.seconds, 1), "s"),
            Measure("full_build_cpu", round(full.cpu_seconds, 1), "s"),
            Measure("full_build_peak", round(full.peak_bytes / 2**30, 2), "GiB"),
            Measure("one_day", round(increment.seconds, 1), "s"),
            Measure("one_day_cpu", round(increment.cpu_seconds, 1), "s"),
            Measure("one_day_peak", round(increment.peak_bytes / 2**30, 2), "GiB"),
        ],
        ratios={
            "one_day_over_full": round(increment.seconds / full.seconds, 3),
            "one_day_cpu_over_full": round(increment.cpu_seconds / full.cpu_seconds, 3),
        },
    )


@contextmanager
def _state(state_dir: Path | None) -> Iterator[Path]:
    if state_dir is not None:
        yield state_dir.resolve()
        return
    with TemporaryDirectory(prefix="rtp-bench-") as folder:
        yield Path(folder)


@contextmanager
def held_back(lake: Lake, day: date) -> Iterator[Callable[[], None]]:
    """Takes what happened from `day` (UTC) on out of the lake; the function that it yields puts the day itself back.

    Leaves the lake as it was.
    """
    with TemporaryDirectory(prefix=".held-", dir=lake.root) as folder, feed_session() as connection:
        aside = Path(folder)
        for table, column in DATED.items():
            for path in data_files(lake.feed(table)):
                whole = path.rename(aside / f"{table}-{path.name}")
                for name, side in (("before", "<"), ("of-day", "=")):
                    utc_day = f"CAST({column} AT TIME ZONE 'UTC' AS DATE)"
                    rows = f"FROM {literal(str(whole))} WHERE {utc_day} {side} DATE '{day}'"
                    target = aside / f"{table}-{path.stem}-{name}.parquet"
                    connection.execute(f"COPY ({rows} ORDER BY {column}) TO {literal(str(target))} (FORMAT parquet)")
        _move(aside, lake, "*-before.parquet")
        try:
            yield lambda: _move(aside, lake, "*-of-day.parquet")
        finally:
            for table in DATED:
                for path in [*lake.feed(table).glob("*-before.parquet"), *lake.feed(table).glob("*-of-day.parquet")]:
                    path.unlink()
            _move(aside, lake, "*[0-9a-f].parquet")


def _move(aside: Path, lake: Lake, files: str) -> None:
    for path in aside.glob(files):
        table, _, name = path.name.partition("-")
        path.rename(lake.feed(table) / name)


def _sizes(settings: Settings) -> tuple[int, int]:
    with connect(settings) as connection:
        row = connection.execute("""
            SELECT (SELECT count(*) FROM marts.order_line), (SELECT count(*) FROM intermediate.int_promotions)
        """).fetchone()
    if not row or not row[0]:
        raise Fatal("The build ended without sales.", hint="Look at the feeds below the state directory.")
    return int(row[0]), int(row[1])


def _measured_build(settings: Settings, day: date | None) -> _Run:
    """Time, processor time and peak memory of a build in a process of its own, with all that it starts."""
    arguments = [sys.executable, "-c", BUILD, *([day.isoformat()] if day else [])]
    environment = os.environ | {"RTP_ROOT": str(settings.root), "RTP_STATE_DIR": str(settings.state_dir)}
    started, used = time.perf_counter(), _children_cpu()
    process = subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE, text=True)
    with _peak_memory(process.pid) as peak:
        _, errors = process.communicate()
    if process.returncode:
        raise Fatal(f"The build failed: {errors.strip().splitlines()[-1]}", hint=f"See {settings.logs_dir}/dbt.log.")
    return _Run(time.perf_counter() - started, _children_cpu() - used, max(peak))


def _children_cpu() -> float:
    """Processor seconds of all children that have ended: beside other work they say more than the clock."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def _peak_memory(pid: int) -> Iterator[list[int]]:
    """Adds up the resident memory of a process and its children, again and again; the list holds the samples."""
    samples, over = [0], threading.Event()
    root = psutil.Process(pid)

    def watch() -> None:
        while not over.wait(POLL_SECONDS):
            samples.append(_resident(root))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield samples
    finally:
        over.set()
        watcher.join()


def _resident(root: psutil.Process) -> int:
    total = 0
    for process in (root, *_children(root)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return root.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
