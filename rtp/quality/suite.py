"""What is expected of one table, as plain values: suites in code, of which the config replaces parts."""

import hashlib
from enum import StrEnum
from typing import Any

import msgspec

from rtp.quality.result import Severity


class Family(StrEnum):
    """The kinds of check a suite consists of; `warn_only` in the config names them."""

    ROWS = "rows"
    TYPES = "types"
    QUARANTINE = "quarantine"
    FRESHNESS = "freshness"
    MISSING = "missing"
    DUPLICATES = "duplicates"
    RANGES = "ranges"
    CHOICES = "choices"
    ORDER = "order"
    DRIFT = "drift"
    ROW_DROP = "row_drop"
    OWN = "own"


class Frame(StrEnum):
    """Which view of a table an expectation looks at."""

    ROWS = "rows"
    """The rows themselves, of a large table a sample."""
    TABLE = "table"
    """One row of exact figures about the whole table."""
    REFUSED = "refused"
    """One row per loaded file and reason for which the load refused rows of it, with their share and lines."""
    COLUMNS = "columns"
    """One row per loaded file and column of the contract: the type promised and the type found."""


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Inclusive limits of a number, and the share of rows that must keep them."""

    min: float | None = None
    max: float | None = None
    mostly: float = 1.0


class Order(msgspec.Struct, frozen=True):
    """`low` <= `high` in every row that has both, and whose `high` is at least `floor` if that is given."""

    low: str
    high: str
    floor: float | None = None


class Expect(msgspec.Struct, frozen=True, kw_only=True):
    """One Great Expectations expectation, not yet made: its registered name and arguments."""

    name: str
    kwargs: dict[str, Any]
    description: str
    frame: Frame = Frame.ROWS
    family: Family = Family.OWN
    severity: Severity = Severity.BLOCKING
    floor: float | None = None
    """Only rows whose `column_A` is at least this are looked at."""
    place: str = ""
    """The file and line where the retailer wrote it; empty for a suite in code."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at."""
        named = [self.kwargs[name] for name in ("column", "column_A", "column_B") if name in self.kwargs]
        return (*named, *self.kwargs.get("column_list", ()), *self.kwargs.get("column_set", ()))


class TableSuite(msgspec.Struct, frozen=True, kw_only=True):
    """The suite of one table. A share is a fraction of rows; an empty or zero limit means that nothing is checked."""

    layer: str
    """`feeds` or `marts`."""
    table: str
    unique: tuple[str, ...]
    """No two rows may agree in all of these."""
    key: tuple[str, ...]
    """What names a failing row in reports; never personal values."""
    min_rows: int = 0
    max_missing: dict[str, float] = {}
    """Column → the largest share of rows without a value."""
    max_missing_rise: float = 0.1
    """How much that share may grow over the last accepted feed's."""
    ranges: dict[str, Range] = {}
    choices: dict[str, tuple[str, ...]] = {}
    ordered: tuple[Order, ...] = ()
    max_duplicates: float = 0.0
    time: str = ""
    """The column that says how new a row is."""
    max_age_hours: float = 0.0
    max_ahead_hours: float = 24.0
    """How far the newest row may lie in the future."""
    drift: tuple[str, ...] = ()
    """Columns whose distribution is compared with the last accepted feed's."""
    max_drift: float = 0.2
    """Kullback-Leibler divergence of the new rows from the accepted ones, in nats."""
    min_drift_rows: int = 300
    """Fewer rows than this say too little to be compared."""
    max_quarantined: float = 0.05
    """The share of a file's rows that the load may have refused: for missing, for unreadable, for other values."""
    max_repeated: float = 0.01
    """The share of a file's rows that may repeat another's keys; the load takes the last of them."""
    max_row_drop: float = 0.0
    """How much smaller than the published version a mart may be."""
    warn_only: tuple[Family, ...] = ()
    own: tuple[Expect, ...] = ()

    @property
    def name(self) -> str:
        """`feeds/order_lines`."""
        return f"{self.layer}/{self.table}"

    def severity(self, family: Family) -> Severity:
        """Whether a failed check of this family stops the build."""
        return Severity.WARNING if family in self.warn_only else Severity.BLOCKING


def suite_fingerprint(suite: TableSuite) -> str:
    """Changes whenever the suite does: what passed another suite is looked at again."""
    return hashlib.sha256(msgspec.json.encode(suite, order="deterministic")).hexdigest()[:16]
