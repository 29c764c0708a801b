"""`rtp load DIR`: a retailer's own files, or our sample, into the lake."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from rtp.errors import Rejected
from rtp.signals.feeds import CONTRACTS, contract
from rtp.signals.feeds.check_sql import PROBLEM, checked_rows
from rtp.signals.feeds.dates import days_to_yesterday, whole_weeks_to_yesterday
from rtp.signals.feeds.report import LoadReport
from rtp.signals.feeds.schema_sql import quoted
from rtp.stores.feeds.datasets import Dataset, folder_name, read_dataset, write_dataset
from rtp.stores.feeds.files import FeedFile, content_digest, discover
from rtp.stores.feeds.load import Landing, Progress, is_loaded, load_files, only_load, silent, unchanged
from rtp.stores.feeds.relation import relation_of
from rtp.stores.feeds.session import feed_session
from rtp.stores.lake import Lake

ALL_SIMULATED = "SIMULATED"
"""A file of this name says that everything in its folder is made up."""


def load_folder(
    lake: Lake,
    folder: Path,
    *,
    now: datetime,
    progress: Progress = silent,
    shift_to_yesterday: bool = False,
    landing: Landing = unchanged,
) -> LoadReport:
    """Loads every table file of a folder.

    Raises Rejected naming file and column before anything of the load lands, Retryable while another load runs.

    With `shift_to_yesterday` all dates move by whole weeks so that the newest order lies at most a week back, and
    counts of stock by whole days to yesterday. The weeks are fixed at the folder's first load.
    """
    with only_load(lake):
        return _load(lake, folder, now, progress, shift_to_yesterday, landing)


def _load(
    lake: Lake, folder: Path, now: datetime, progress: Progress, shift_to_yesterday: bool, landing: Landing
) -> LoadReport:
    files, ignored = discover(folder)
    if ALL_SIMULATED in ignored:
        ignored.remove(ALL_SIMULATED)
        files = [msgspec.structs.replace(file, simulated=True) for file in files]
    _refuse_other_dates(lake, folder, files, shift_to_yesterday)
    if not shift_to_yesterday:
        reports = load_files(lake, files, now=now, progress=progress, landing=landing)
        return LoadReport(tables=reports, ignored_files=ignored)
    known = read_dataset(lake, folder_name(folder)) or _first_shift(lake, folder, files, now)
    shifts = _shifts(lake, files, known, now)
    moved = [_moved(file, shifts[file.table]) for file in files]
    reports = load_files(
        lake, moved, now=now, progress=progress, shift_days=shifts, replaces=_states(known.digests), landing=landing
    )
    digests = known.digests | {file.table: file.digest for file in moved}
    write_dataset(lake, msgspec.structs.replace(known, digests=digests))
    return LoadReport(tables=reports, ignored_files=ignored, notes=[f"Dates moved by {known.shift_days // 7} weeks."])


def _states(digests: dict[str, str]) -> dict[str, str]:
    """Of a table that holds a state of now, only the newest version counts; histories add up."""
    return {table: digest for table, digest in digests.items() if CONTRACTS[table].counted}


def _refuse_other_dates(lake: Lake, folder: Path, files: list[FeedFile], shift: bool) -> None:
    """One folder with two sets of dates would be in the lake twice."""
    moved_before = read_dataset(lake, folder_name(folder)) is not None
    as_they_are = any(is_loaded(lake, file) for file in files if not contract(file.table).counted)
    if moved_before != shift and (moved_before or as_they_are):
        raise Rejected(
            f"{folder} was loaded {'with moved dates' if moved_before else 'with its own dates'} before.",
            reason="OTHER_DATES",
            hint=f"Load it {'with' if moved_before else 'without'} --shift-to-yesterday, or use another RTP_STATE_DIR.",
        )


def _first_shift(lake: Lake, folder: Path, files: list[FeedFile], now: datetime) -> Dataset:
    newest = _newest(lake, files, "order_lines", "ordered_at")
    days = whole_weeks_to_yesterday(newest, now) if newest else 0
    dataset = Dataset(name=folder_name(folder), shift_days=days)
    write_dataset(lake, dataset)
    return dataset


def _shifts(lake: Lake, files: list[FeedFile], known: Dataset, now: datetime) -> dict[str, int]:
    counted = _newest(lake, files, "inventory", "counted_at")
    days = days_to_yesterday(counted, now) if counted else known.shift_days
    return {name: days if table.counted else known.shift_days for name, table in CONTRACTS.items()}


def _moved(file: FeedFile, days: int) -> FeedFile:
    digest = content_digest([], file.digest, f"moved by {days} days") if days else file.digest
    return msgspec.structs.replace(file, digest=digest)


def _newest(lake: Lake, files: list[FeedFile], table: str, column: str) -> datetime | None:
    """The newest good value of a time column, or None."""
    file = next((file for file in files if file.table == table), None)
    if file is None:
        return None
    lake.root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=lake.root) as work, feed_session(Path(work)) as connection:
        relation = relation_of(connection, file, Path(work), lambda _share: None)
        rows = checked_rows(contract(table), relation.sql, relation.columns, garbled=relation.garbled)
        found = connection.execute(
            f"SELECT epoch_us(max({quoted(column)})) FROM ({rows}) WHERE {PROBLEM} IS NULL"
        ).fetchall()[0][0]
    return None if found is None else datetime.fromtimestamp(int(found) / 1_000_000, tz=UTC)
