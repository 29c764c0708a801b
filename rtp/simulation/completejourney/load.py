"""`rtp load completejourney`: the real year, with its companion, through the same load as anybody's files."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import duckdb
import msgspec

from rtp.errors import Rejected
from rtp.signals.feeds import CONTRACTS
from rtp.signals.feeds.dates import whole_weeks_to_yesterday
from rtp.signals.feeds.report import LoadReport
from rtp.simulation.companion import people, places, prices, stock
from rtp.simulation.companion.baskets import basket_channels
from rtp.simulation.completejourney import real
from rtp.simulation.completejourney.source import Source, cut, find_source, written
from rtp.stores.feeds.datasets import Dataset, read_dataset, write_dataset
from rtp.stores.feeds.files import FeedFile, content_digest
from rtp.stores.feeds.load import Landing, Progress, is_loaded, load_files, only_load, silent, unchanged
from rtp.stores.feeds.session import feed_session
from rtp.stores.lake import Lake

VERSION = "1"
"""Rises when the same data set is converted differently: then it is loaded anew."""
ALL = "all households"
LAST_MOMENT = datetime(2018, 1, 1, 4, 1, 20, tzinfo=UTC)
"""The data set's last sale; its own calendar ends on 31 December, local time."""
COUNTED_AT = time(22, 0, tzinfo=UTC)
DIRECT: Mapping[str, tuple[str, str]] = {"order_lines": ("transactions", "channel"), "promotions": ("promotions", "")}
"""Large tables, read straight from the data set: table, (its file, made-up columns)."""
CONVERTED: Mapping[str, tuple[Callable[[Source], str], str]] = {
    "products": (prices.products, prices.SIMULATED_PRODUCT_COLUMNS),
    "customers": (people.customers, people.SIMULATED_COLUMNS),
    "offers": (prices.offers, prices.SIMULATED_OFFER_COLUMNS),
    "offer_products": (real.offer_products, ""),
    "offer_targets": (real.offer_targets, ""),
    "offer_redemptions": (real.offer_redemptions, ""),
}
MADE_UP: Mapping[str, Callable[[Source], str]] = {"stores": places.stores, "consents": people.consents}
NOTE = (
    "Real: sales, products, promotions, campaigns, redemptions, demographics (The Complete Journey, 84.51°-derived). "
    "Simulated: contacts, consent, cost, list price, channel, places, stock, coupon values."
)


def load_completejourney(
    lake: Lake,
    *,
    now: datetime,
    progress: Progress = silent,
    households: int | None = None,
    original_dates: bool = False,
    landing: Landing = unchanged,
) -> LoadReport:
    """Loads the data set; the shift of its dates is fixed at the first load.

    A sample is replaced by another or by the whole; the whole is never replaced by a sample. Raises Rejected if the
    lake holds it with other dates, Fatal if the package is not installed, and what
    :func:`rtp.stores.feeds.folder.load_folder` raises.
    """
    with only_load(lake):
        return _load(lake, now, progress, households, original_dates, landing)


def _load(
    lake: Lake,
    now: datetime,
    progress: Progress,
    households: int | None,
    original_dates: bool,
    landing: Landing,
) -> LoadReport:
    source = find_source()
    dataset, notes = _dataset(lake, households, original_dates, now)
    counted_at = _counted_at(original_dates, now)
    planned = _plan(lake, source, dataset, counted_at)
    if not all(is_loaded(lake, file) for file in planned):
        planned = _convert(lake, source, planned, dataset, counted_at, progress)
    shifts = {name: 0 if table.counted else dataset.shift_days for name, table in CONTRACTS.items()}
    known = read_dataset(lake, real.NAME)
    write_dataset(lake, msgspec.structs.replace(dataset, digests=known.digests if known else {}))
    reports = load_files(
        lake,
        planned,
        now=now,
        progress=progress,
        shift_days=shifts,
        replaces=known.digests if known else {},
        landing=landing,
    )
    write_dataset(lake, msgspec.structs.replace(dataset, digests={file.table: file.digest for file in planned}))
    return LoadReport(tables=reports, notes=[*notes, NOTE])


def _dataset(lake: Lake, households: int | None, original: bool, now: datetime) -> tuple[Dataset, list[str]]:
    known = read_dataset(lake, real.NAME)
    variant = ALL if households is None else f"{households} households"
    days = 0 if original else whole_weeks_to_yesterday(LAST_MOMENT, now)
    if known is None:
        return Dataset(name=real.NAME, shift_days=days, variant=variant), [_moved(days)]
    if original != (known.shift_days == 0):
        held = "its original dates" if known.shift_days == 0 else f"dates moved by {known.shift_days // 7} weeks"
        raise Rejected(
            f"This lake holds The Complete Journey with {held}.",
            reason="OTHER_DATES",
            hint="Use another state directory (RTP_STATE_DIR) for the other dates.",
        )
    notes = [_moved(known.shift_days)]
    if known.variant == ALL and variant != ALL:
        return known, [*notes, "The lake holds all households already: they stay."]
    return msgspec.structs.replace(known, variant=variant), notes


def _moved(days: int) -> str:
    return f"Dates moved by {days // 7} weeks." if days else "Original dates."


def _counted_at(original: bool, now: datetime) -> datetime:
    """The evening before this load (or of the data set's last day): older stock would promise nothing."""
    today = (LAST_MOMENT if original else now).astimezone(UTC).date()
    return datetime.combine(today - timedelta(days=1), COUNTED_AT)


def _plan(lake: Lake, source: Source, dataset: Dataset, counted_at: datetime) -> list[FeedFile]:
    """Every table's file, with the digest of what it will be made from."""
    base = content_digest(source.files, VERSION, dataset.variant, str(dataset.shift_days))
    folder = _work_dir(lake)

    def planned(table: str, **more: object) -> FeedFile:
        when = counted_at.isoformat() if CONTRACTS[table].counted else ""
        digest = content_digest([], base, table, when)
        return FeedFile(
            table=table,
            path=folder / f"{table}.parquet",
            format="parquet",
            digest=digest,
            **more,  # type: ignore[arg-type]
        )

    files = [planned(table, simulated_columns=made_up) for table, (_, made_up) in CONVERTED.items()]
    files += [planned(table, simulated=True) for table in (*MADE_UP, "inventory", "inbound")]
    files += [
        msgspec.structs.replace(
            planned(table, simulated_columns=made_up), path=source.folder / f"{name}.parquet", format="query"
        )
        for table, (name, made_up) in DIRECT.items()
    ]
    return sorted(files, key=lambda file: list(CONTRACTS).index(file.table))


def _convert(
    lake: Lake, whole: Source, files: list[FeedFile], dataset: Dataset, counted_at: datetime, progress: Progress
) -> list[FeedFile]:
    """Writes the converted tables aside; the large ones get their queries."""
    folder = _work_dir(lake)
    folder.mkdir(parents=True, exist_ok=True)
    with feed_session(folder / "spill") as connection:
        source, share = whole, 1.0
        if dataset.variant != ALL:
            wanted = int(dataset.variant.split()[0])
            source = cut(connection, whole, wanted, folder)
            share = wanted / _households(connection, whole)
        progress("promotions", 0.0)
        repeated = written(connection, real.repeated_promotions(source), folder / "repeated.parquet")
        source = source.narrowed("promotions", f"_line NOT IN (FROM {repeated})")
        queries = {table: query(source) for table, (query, _) in CONVERTED.items()}
        queries |= {table: query(source) for table, query in MADE_UP.items()}
        queries["inventory"] = stock.inventory(source, share, counted_at)
        queries["inbound"] = stock.inbound(source, share, counted_at)
        for table, query in queries.items():
            progress(table, 0.0)
            written(connection, f"SELECT * EXCLUDE (_row) FROM ({query}) ORDER BY _row", folder / f"{table}.parquet")
        channels = written(connection, basket_channels(source), folder / "channels.parquet")
    direct = {"order_lines": real.order_lines(source, channels), "promotions": real.promotions(source)}
    return [msgspec.structs.replace(file, sql=direct.get(file.table, "")) for file in files]


def _households(connection: duckdb.DuckDBPyConnection, source: Source) -> int:
    counted = connection.execute(f"SELECT count(DISTINCT household_id) FROM {source.table('transactions')}").fetchall()
    return int(counted[0][0])


def _work_dir(lake: Lake) -> Path:
    return lake.incoming / real.NAME
