"""What a retailer changes in `config/quality/*.yaml`: thresholds, and expectations for columns of theirs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from rtp.quality.feeds import feed_suites
from rtp.quality.marts import mart_suites
from rtp.quality.own import own_expectation
from rtp.quality.privacy import SHOWN
from rtp.quality.suite import Family, Range, TableSuite
from rtp.yaml_config import did_you_mean, mistake, read_config

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
FamilyName = Literal[
    "rows", "types", "quarantine", "freshness", "missing", "duplicates", "ranges", "choices", "order", "drift",
    "row_drop", "own",
]  # fmt: skip


class RangeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of a number as the config writes them."""

    min: float | None = None
    max: float | None = None
    mostly: Share = 1.0


class TableEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changes to one table's suite; what is not given stays as it is in code. Meanings: `TableSuite`."""

    min_rows: Count | None = None
    max_missing: dict[str, Share] | None = None
    max_missing_rise: Share | None = None
    ranges: dict[str, RangeEntry] | None = None
    choices: dict[str, tuple[str, ...]] | None = None
    max_duplicates: Share | None = None
    max_age_hours: NotNegative | None = None
    max_ahead_hours: NotNegative | None = None
    drift: tuple[str, ...] | None = None
    max_drift: NotNegative | None = None
    min_drift_rows: Count | None = None
    max_quarantined: Share | None = None
    max_repeated: Share | None = None
    max_row_drop: Share | None = None
    warn_only: tuple[FamilyName, ...] | None = None
    expectations: tuple[dict[str, Any], ...] = ()


class QualityFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of `config/quality/`."""

    feeds: dict[str, TableEntry] = {}
    marts: dict[str, TableEntry] = {}
    sample_rows: Annotated[int, msgspec.Meta(ge=1000)] | None = None


class QualityConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Every suite as it applies here."""

    feeds: Mapping[str, TableSuite]
    marts: Mapping[str, TableSuite]
    sample_rows: int = 100_000
    """Of a larger table about so many rows are looked at, the same ones each time, and besides every row that
    breaks a rule which allows no exception."""


def load_quality_config(folder: Path) -> QualityConfig:
    """The suites in code with the changes in `folder/*.yaml`, in the order of the files' names.

    Raises Fatal with file, line and the nearest known name for anything that cannot be meant.
    """
    config = QualityConfig(feeds=feed_suites(), marts=mart_suites())
    for path in sorted(folder.glob("*.yaml")):
        config = _with_file(config, path)
    return config


def _with_file(config: QualityConfig, path: Path) -> QualityConfig:
    content = read_config(path, QualityFile)
    return QualityConfig(
        feeds=_with_tables(config.feeds, content.feeds, path, "feeds"),
        marts=_with_tables(config.marts, content.marts, path, "marts"),
        sample_rows=content.sample_rows or config.sample_rows,
    )


def _with_tables(
    suites: Mapping[str, TableSuite], entries: Mapping[str, TableEntry], path: Path, section: str
) -> dict[str, TableSuite]:
    changed = dict(suites)
    for table, entry in entries.items():
        if table not in suites:
            hint = did_you_mean(table, suites)
            raise mistake(path, [section, table], f"there is no table {table!r} in {section}.", hint=hint)
        changed[table] = _with_entry(suites[table], entry, path, [section, table])
    return changed


def _with_entry(suite: TableSuite, entry: TableEntry, path: Path, at: list[str | int]) -> TableSuite:
    given = {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "expectations"}
    fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name in ("max_missing", "choices"):
        if name in fields:
            fields[name] = {**getattr(suite, name), **fields[name]}
    if entry.ranges is not None:
        fields["ranges"] = {**suite.ranges, **_ranges(entry.ranges, path, at)}
    if entry.warn_only is not None:
        fields["warn_only"] = tuple(map(Family, entry.warn_only))
    _refuse_private_profile(entry, path, at)
    own = [
        own_expectation(written, path, [*at, "expectations", position])
        for position, written in enumerate(entry.expectations)
    ]
    return msgspec.structs.replace(suite, **fields, own=(*suite.own, *own))


def _ranges(entries: dict[str, RangeEntry], path: Path, at: list[str | int]) -> dict[str, Range]:
    for column, entry in entries.items():
        if entry.min is not None and entry.max is not None and entry.min > entry.max:
            raise mistake(path, [*at, "ranges", column], f"min {entry.min:g} is larger than max {entry.max:g}.")
    return {column: Range(min=e.min, max=e.max, mostly=e.mostly) for column, e in entries.items()}


def _refuse_private_profile(entry: TableEntry, path: Path, at: list[str | int]) -> None:
    """The accepted distribution is kept on disk and shown in reports, so it may hold no personal values."""
    for position, column in enumerate(entry.drift or ()):
        if column not in SHOWN:
            what = f"the distribution of {column!r} may not be kept: it is unknown, or may be personal."
            raise mistake(path, [*at, "drift", position], what, hint=did_you_mean(column, SHOWN))
