"""One build of the sample retailer with a live day on top, shared by all tests of the warehouse."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from rtp.settings import Settings, checkout_root
from rtp.stores.archive_schema import RESERVATIONS
from rtp.stores.feeds.folder import load_folder
from rtp.stores.lake import Lake
from rtp.stores.warehouse import connect
from rtp.stores.warehouse_build import build_warehouse
from tests.dbt_project.lake_rows import decision, event, movement, write_archive, write_links, write_parquet

SAMPLE = checkout_root() / "tests" / "data" / "sample"
LOADED_AT = datetime(2026, 7, 1, 3, tzinfo=UTC)
LAST_DAY = date(2026, 6, 28)
"""The newest day of the sample's orders."""

Query = Callable[[str], list[tuple[Any, ...]]]


def settings_in(state_dir: Path) -> Settings:
    root = checkout_root()
    return Settings(root=root, state_dir=state_dir, config_dir=root / "config")


def fill_lake(lake: Lake) -> None:
    load_folder(lake, SAMPLE, now=LOADED_AT)
    link_customers(lake)
    for stream, rows in (("events", LIVE_EVENTS), ("decisions", LIVE_DECISIONS), ("movements", POSTED)):
        write_archive(lake, stream, rows)
    write_parquet(lake.reservations, RESERVATIONS, [{"store_id": "S01", "product_id": "P003", "reserved": 2}])


def link_customers(lake: Lake) -> None:
    """Who is who by e-mail address: enough to have customers that two sources know."""
    query = f"""
        SELECT source, customer_ref, user_id, 'c-' || coalesce(email, source || customer_ref) AS customer_id
        FROM read_parquet('{lake.feed("customers")}/*.parquet')
    """
    with duckdb.connect() as connection:
        rows = connection.execute(query).fetchall()
    write_links(
        lake,
        [{"source": row[0], "customer_ref": row[1], "customer_id": row[3]} for row in rows],
        [
            {"identifier_type": "user_id", "identifier_value": row[2], "customer_id": row[3], "source": row[0]}
            for row in rows
            if row[2]
        ],
    )


CUSTOMER = "c-liam.lopez.1@example.com"
"""The sample's first customer, user u00001, whom the tills know too."""

TWO_PRODUCTS = {"products": [{"productId": "P001", "quantity": 2, "price": 3.5}, {"product_id": "NEW-1", "price": 9}]}

LIVE_EVENTS = [
    event("m1", "Product Viewed", "2026-06-29T10:00:00Z", user_id="u00001", decision_id="d1", channel="app"),
    event("m1", "Product Viewed", "2026-06-29T10:00:01Z", user_id="u00001", decision_id="d1", channel="app"),
    event("m2", "Product Viewed", "2026-06-29T10:00:02Z", user_id="u00001", duplicate=True),
    event(
        "m3", "Order Completed", "2026-06-29T11:00:00Z", user_id="u00001", order_id="L1", decision_id="d1",
        store_id="S01", channel="web", properties=TWO_PRODUCTS,
    ),
    event("m4", "Order Completed", "2026-06-29T11:05:00Z", user_id="u00001", order_id="L1", properties=TWO_PRODUCTS),
    event(
        "m5", "Order Refunded", "2026-06-29T12:00:00Z", user_id="u00001", order_id="L1",
        properties={"products": [{"productId": "P001", "quantity": 1}]},
    ),
    event(
        "m6", "Order Completed", "2026-06-29T13:00:00Z", user_id="u00001", order_id="L2", store_id="S01",
        channel="store", properties={"productId": "P002", "quantity": 1, "price": 5},
    ),
    event("m7", "Order Completed", "2026-06-29T13:30:00Z", user_id="u00001", order_id="L3", properties=TWO_PRODUCTS),
    event("m8", "Order Cancelled", "2026-06-29T14:00:00Z", user_id="u00001", order_id="L3"),
    event(
        "m9", "Experiment Viewed", "2026-06-29T09:00:00Z", user_id="u00001",
        properties={"experimentId": "hero", "variationId": "b"},
    ),
]  # fmt: skip

POSTED = [
    movement("v1", "receipt", 5, "2026-06-29T09:00:00Z", "P003"),
    movement("v1", "receipt", 5, "2026-06-29T09:00:00Z", "P003"),
    movement("v2", "count", 30, "2026-06-29T08:00:00Z", "P004"),
    movement("v3", "sale", 2, "2026-06-29T10:00:00Z", "P004"),
    movement("v4", "sale", 1, "2026-06-29T13:05:00Z", "P002", order_id="L2"),
    movement("v5", "count", 7, "2026-06-29T08:00:00Z", "NEW-2"),
]

LIVE_DECISIONS = [
    decision("d1", "2026-06-29T09:30:00Z", CUSTOMER, ["P003", "P001"]),
    decision("d2", "2026-06-29T12:30:00Z", CUSTOMER, ["P002"], channel="store"),
    decision("d3", "2026-06-29T12:45:00Z", CUSTOMER, ["P002"]),
    decision("d4", "2026-06-29T13:15:00Z", None, ["P002"], fallback=True),
    decision("d5", "2026-06-01T10:00:00Z", "c-nobody", ["P001"]),
]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The state directory after a first full build; tests read it and leave it as it is."""
    settings = settings_in(tmp_path_factory.mktemp("warehouse"))
    fill_lake(Lake(settings.lake_dir))
    build_warehouse(settings)
    return settings


@pytest.fixture(scope="session")
def copied(built: Settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Settings]:
    """Makes a copy of the built state, lake and warehouse, for a test that changes it."""

    def copy() -> Settings:
        settings = settings_in(tmp_path_factory.mktemp("copy"))
        shutil.copytree(built.state_dir, settings.state_dir, dirs_exist_ok=True)
        return settings

    return copy


@pytest.fixture(scope="session")
def query(built: Settings) -> Query:
    """Asks the built warehouse."""
    return lambda sql: ask(built, sql)


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with connect(settings) as connection:
        return connection.execute(sql).fetchall()
