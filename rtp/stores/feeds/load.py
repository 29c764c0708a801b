"""A load: every file is checked aside, then all of them appear together; what was loaded before is skipped."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec
import pyarrow.parquet as pq

from rtp.errors import Rejected
from rtp.signals.feeds import CONTRACTS
from rtp.signals.feeds.report import Status, TableLoad
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.feeds.files import FeedFile
from rtp.stores.feeds.prepare import prepare_lake
from rtp.stores.feeds.relation import relation_of
from rtp.stores.feeds.session import feed_session
from rtp.stores.feeds.stage import Pass, Target, write_checked
from rtp.stores.file_lock import alone
from rtp.stores.lake import Lake

Progress = Callable[[str, float], None]
"""Hears (table, share done between 0 and 1)."""


Landing = Callable[[Path], None]
"""Is given the folder of all that was checked, before it appears in the lake; may write its files anew."""


def unchanged(_folder: Path) -> None:
    """Landing as it is."""


def silent(_table: str, _share: float) -> None:
    """Progress that nobody watches."""


def load_files(
    lake: Lake,
    files: Sequence[FeedFile],
    *,
    now: datetime,
    progress: Progress = silent,
    shift_days: Mapping[str, int] | None = None,
    replaces: Mapping[str, str] | None = None,
    landing: Landing = unchanged,
) -> list[TableLoad]:
    """Takes files into the lake, all or nothing; returns what became of each.

    A file whose content is in the lake already is skipped. A load that was killed resumes: files that were checked
    completely are not read again. `shift_days` moves the dates of a table; `replaces` names, per table, the digest of
    an earlier version that goes when the new one is there. Raises Rejected naming file and column before anything of
    the load lands. The caller holds :func:`only_load`.
    """
    prepare_lake(lake)
    shifts = shift_days or {}
    fresh = [file for file in files if not is_loaded(lake, file)]
    seconds = _check_aside(lake, fresh, now, progress, shifts)
    _refuse_empty(lake, files)
    landing(lake.incoming)
    reports = []
    for file in files:
        status: Status = "loaded" if file in fresh else "skipped"
        if file in fresh:
            _land(_aside(lake, file), _final(lake, file))
        _drop_replaced(lake, file, (replaces or {}).get(file.table, file.digest))
        reports.append(_report(_final(lake, file), file, status, seconds.get(file.table, 0.0)))
    shutil.rmtree(lake.incoming, ignore_errors=True)
    return reports


def is_loaded(lake: Lake, file: FeedFile) -> bool:
    """Whether a file of this content is in the lake."""
    return _final(lake, file).feed.exists()


def _check_aside(
    lake: Lake, files: Sequence[FeedFile], now: datetime, progress: Progress, shifts: Mapping[str, int]
) -> dict[str, float]:
    """Seconds spent on each table."""
    spill, seconds = lake.incoming / "spill", {}
    spill.mkdir(parents=True, exist_ok=True)
    with feed_session(spill) as connection:
        for file in files:
            started = time.monotonic()
            if not _aside(lake, file).feed.exists():
                _check_one(connection, lake, file, now, progress, shifts.get(file.table, 0))
            seconds[file.table] = time.monotonic() - started
            progress(file.table, 1.0)
    return seconds


def _check_one(
    connection: duckdb.DuckDBPyConnection, lake: Lake, file: FeedFile, now: datetime, progress: Progress, shift: int
) -> None:
    def reading(share: float) -> None:
        progress(file.table, share * 0.5)

    relation = relation_of(connection, file, lake.incoming, reading, shift_days=shift)
    progress(file.table, 0.5)
    work = Pass(connection=connection, file=file, relation=relation, loaded_at=now, shift_days=shift)
    write_checked(work, _aside(lake, file))
    for leftover in lake.incoming.glob("*.rows.parquet"):
        leftover.unlink()


def _final(lake: Lake, file: FeedFile) -> Target:
    name = f"{file.digest}.parquet"
    return Target(lake.feed(file.table) / name, lake.quarantine(file.table) / name)


def _aside(lake: Lake, file: FeedFile) -> Target:
    name = f"{file.digest}.parquet"
    return Target(lake.incoming / "feeds" / file.table / name, lake.incoming / "quarantine" / file.table / name)


def _land(aside: Target, final: Target) -> None:
    """The feed file comes last: only its presence says that the file was loaded."""
    for source, target in ((aside.quarantine, final.quarantine), (aside.feed, final.feed)):
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)


def _drop_replaced(lake: Lake, file: FeedFile, old_digest: str) -> None:
    if old_digest != file.digest:
        old = _final(lake, msgspec.structs.replace(file, digest=old_digest))
        old.feed.unlink(missing_ok=True)
        old.quarantine.unlink(missing_ok=True)


def _refuse_empty(lake: Lake, files: Sequence[FeedFile]) -> None:
    """Raises unless every required table has rows, in this load or from an earlier one."""
    for table in CONTRACTS.values():
        if not table.required or _rows_in(lake.feed(table.name)):
            continue
        mine = [file for file in files if file.table == table.name]
        if not mine:
            raise Rejected(
                f"This load has no {table.name}, and none have been loaded before.",
                reason="EMPTY_LOAD",
                field=table.name,
                hint=f"Add {table.name}.parquet, .csv or .jsonl; docs/data.md has its columns.",
            )
        if not any(_row_count(_aside(lake, file).feed) for file in mine):
            raise _no_rows(lake, mine[0])


def _no_rows(lake: Lake, file: FeedFile) -> Rejected:
    refused = _aside(lake, file).quarantine
    if not refused.exists():
        return Rejected(f"{file.name} holds no rows.", reason="EMPTY_LOAD", field=file.name, hint="Export it again.")
    first = pq.read_table(refused).slice(0, 1).to_pylist()[0]
    where = f"{first['reason']} in {first['column'] or 'the line'}, line {first['row']}"
    return Rejected(
        f"{file.name}: all {_row_count(refused):,} rows were refused, the first for {where}.",
        reason="EMPTY_LOAD",
        field=file.name,
        hint="Mend the file and load again; nothing of this load has been taken in.",
    )


def _rows_in(folder: Path) -> int:
    return sum(_row_count(path) for path in folder.glob("*.parquet"))


def _row_count(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows) if path.exists() else 0


def _report(target: Target, file: FeedFile, status: Status, seconds: float) -> TableLoad:
    loaded, refused = _row_count(target.feed), _row_count(target.quarantine)
    return TableLoad(
        table=file.table,
        file=file.name,
        status=status,
        read=loaded + refused,
        loaded=loaded,
        quarantined=refused,
        reasons=_reasons(target.quarantine) if refused else {},
        simulated=file.simulated,
        simulated_columns=file.simulated_columns,
        seconds=round(seconds, 2),
    )


def _reasons(quarantine: Path) -> dict[str, int]:
    query = (
        "SELECT concat_ws(' ', reason, \"column\"), count(*) "
        f"FROM read_parquet({literal(str(quarantine))}) GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    with feed_session() as connection:
        return {str(reason): int(count) for reason, count in connection.execute(query).fetchall()}


@contextmanager
def only_load(lake: Lake) -> Iterator[None]:
    """Holds the lake for one load, until the process ends at the latest; Retryable while another load runs."""
    with alone(lake.load_lock, "Another load is running.", hint="Wait until it has ended."):
        yield
