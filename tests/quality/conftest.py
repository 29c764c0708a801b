"""Feeds made from the committed sample, and gates over them."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from rtp.quality.gate import QualityGate
from rtp.settings import Settings, checkout_root, load_settings
from rtp.signals.feeds import CONTRACTS
from rtp.wiring import quality_gate

SAMPLE = checkout_root() / "tests" / "data" / "sample"
NOW = datetime(2026, 6, 30, tzinfo=UTC)
"""A day after the sample's last sale."""

TABLES = ("order_lines", "products", "inventory", "customers")

Deliver = Callable[[str, str], Path]


def deliver_into(lake: Path, table: str, sql: str = "SELECT * FROM sample") -> Path:
    """One more file in a feed."""
    folder = lake / "feeds" / table
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"delivery{len(list(folder.iterdir()))}.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE VIEW sample AS {_typed(table)}")
        connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
    return path


@pytest.fixture
def deliver(settings: Settings) -> Deliver:
    """Puts one file into a feed: `deliver("order_lines", "SELECT … FROM sample")`."""
    return lambda table, sql: deliver_into(settings.lake_dir, table, sql)


@pytest.fixture
def new_gate(settings: Settings) -> Callable[[], QualityGate]:
    """A fresh gate over the temporary state, as each process makes one."""
    return lambda: quality_gate(settings)


@pytest.fixture(scope="session")
def accepted_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder in which the sample's tables are checked and accepted."""
    settings = load_settings({"RTP_STATE_DIR": str(tmp_path_factory.mktemp("accepted"))})
    for table in TABLES:
        deliver_into(settings.lake_dir, table)
    gate = quality_gate(settings)
    results = gate.check_feeds(NOW)
    assert [result for result in results if not result.passed] == []
    assert set(gate.accept(NOW)) == set(TABLES)
    return settings.state_dir


@pytest.fixture
def accepted(accepted_state: Path, settings: Settings) -> None:
    """The same, in this test's own state folder."""
    shutil.copytree(accepted_state, settings.state_dir)


def _typed(table: str) -> str:
    (source,) = SAMPLE.glob(f"{table}.*")
    read = f"read_csv('{source}', all_varchar = true)" if source.suffix == ".csv" else f"read_json('{source}')"
    columns = ", ".join(f'"{c.name}"::{c.kind.sql_type} AS "{c.name}"' for c in CONTRACTS[table].columns)
    return (
        f"SELECT {columns}, '{source.name}' AS _file, row_number() OVER () + 1 AS _row, now() AS _loaded_at, "
        f"true AS _simulated, NULL::VARCHAR AS _simulated_columns FROM {read}"
    )
