"""Feeds made from the committed sample, and gates over them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from rtp.quality.gate import QualityGate
from rtp.settings import Settings, checkout_root
from rtp.signals.feeds import CONTRACTS
from rtp.wiring import quality_gate

SAMPLE = checkout_root() / "tests" / "data" / "sample"
NOW = datetime(2026, 6, 30, tzinfo=UTC)
"""A day after the sample's last sale."""

Deliver = Callable[[str, str], Path]


@pytest.fixture
def deliver(settings: Settings) -> Deliver:
    """Puts one file into a feed: `deliver("order_lines", "SELECT … FROM sample")`."""
    made = 0

    def put(table: str, sql: str = "SELECT * FROM sample") -> Path:
        nonlocal made
        made += 1
        path = settings.lake_dir / "feeds" / table / f"delivery{made}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"CREATE VIEW sample AS {_typed(table)}")
            connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
        return path

    return put


@pytest.fixture
def new_gate(settings: Settings) -> Callable[[], QualityGate]:
    """A fresh gate over the temporary state, as each process makes one."""
    return lambda: quality_gate(settings)


@pytest.fixture
def accepted(deliver: Deliver, new_gate: Callable[[], QualityGate]) -> None:
    """The sample's orders and products are in, checked and accepted."""
    for table in ("order_lines", "products", "inventory", "customers"):
        deliver(table, "SELECT * FROM sample")
    gate = new_gate()
    results = gate.check_feeds(NOW)
    assert [result for result in results if not result.passed] == []
    assert set(gate.accept(NOW)) == {"order_lines", "products", "inventory", "customers"}


def _typed(table: str) -> str:
    (source,) = SAMPLE.glob(f"{table}.*")
    read = f"read_csv('{source}', all_varchar = true)" if source.suffix == ".csv" else f"read_json('{source}')"
    columns = ", ".join(f'"{c.name}"::{c.kind.sql_type} AS "{c.name}"' for c in CONTRACTS[table].columns)
    return (
        f"SELECT {columns}, '{source.name}' AS _file, row_number() OVER () + 1 AS _row, now() AS _loaded_at, "
        f"true AS _simulated, NULL::VARCHAR AS _simulated_columns FROM {read}"
    )
