"""A small retailer with habits worth learning, and the ports of a decision as fakes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from rtp.clock import to_micros
from rtp.decisioning.assignment import Experiments
from rtp.decisioning.catalog import Catalog
from rtp.decisioning.decide import Decider
from rtp.decisioning.decision import DecisionRecord
from rtp.decisioning.moment import Moment
from rtp.decisioning.policy import Policy, load_policy
from rtp.decisioning.score import Ranker
from rtp.features.live import project
from rtp.identity.types import Customer, Identifier
from rtp.inventory.stock import Count
from rtp.optimization.catalog_build import build_catalog
from rtp.optimization.sales import Window
from rtp.profile.consent import Consent, Grant
from rtp.settings import checkout_root
from rtp.stores.stock_memory import MemoryStock

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
NOW = to_micros(AS_OF) + 3_600_000_000
DAY = 86_400


def sell(db: duckdb.DuckDBPyConnection, *, customers: int = 40, baskets: int = 30, products: int = 60) -> None:
    """Weekly baskets: each customer's three staples, one of a group's favourites with its companion, and something."""
    draw = np.random.default_rng(7)
    rows: list[tuple[Any, ...]] = []
    for customer in range(customers):
        staples = [(customer * 3 + step) % 30 for step in range(3)]
        for number in range(baskets):
            at = int(AS_OF.timestamp()) - (baskets - number) * 6 * DAY - int(draw.integers(0, DAY))
            favourite = 30 + customer % 5 * 2
            held = {staples[number % 3], staples[(number + 1) % 3], int(draw.integers(0, products))}
            held |= {favourite, favourite + 1} if draw.random() < 0.5 else set()
            rows += [
                (f"o{customer}-{number}", f"c{customer:03}", f"p{product:03}", f"s{customer % 3}", at, product)
                for product in sorted(held)
            ]
    db.register("raw", pa.table(dict(zip(("o", "c", "p", "s", "at_s", "n"), zip(*rows, strict=True), strict=True))))
    db.execute(
        """
        create view order_line as
        select o as order_id, c as customer_id, p as product_id, s as store_id,
               make_timestamptz(at_s * 1000000) as ordered_at, 1 as quantity, 0 as returned_quantity,
               cast(1 + n % 7 as decimal(12, 2)) as net_amount, cast(0 as decimal(12, 2)) as discount_amount
        from raw
        """
    )
    db.execute(
        f"""
        create view product as
        select 'p' || lpad(i::varchar, 3, '0') as product_id, 'Product ' || i as name, 'D' || i % 3 as department,
               'C' || i % 10 as category, 'B' || i % 2 as brand, cast(1 + i % 7 as decimal(12, 2)) as list_price,
               cast((1 + i % 7) * 0.6 as decimal(12, 2)) as unit_cost
        from range({products}) as t(i)
        """
    )
    db.execute(
        "create view store as select * from (values ('s0', 'store'), ('s1', 'store'), ('s2', 'store'), ('web', 'web'))"
        " as t(store_id, kind)"
    )


@pytest.fixture(scope="session")
def shop() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        sell(db)
        yield db


@pytest.fixture(scope="session")
def catalog(shop: duckdb.DuckDBPyConnection) -> Catalog:
    return build_catalog(shop, Window(as_of=int(AS_OF.timestamp())))


@pytest.fixture
def policy() -> Policy:
    return load_policy(checkout_root() / "config" / "policy" / "default.yaml")


class Graph:
    """Identifiers of the small retailer: user_id "u7" is customer "c007"."""

    async def resolve(self, identifier: Identifier) -> str | None:
        return f"c{int(identifier.value[1:]):03}" if identifier.value.startswith("u") else None

    async def customer(self, customer_id: str) -> Customer | None:
        return Customer(customer_id=customer_id) if customer_id.startswith("c") else None


class Online:
    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def lives(self, customer_id: str, **values: Any) -> None:
        live = project({}, NOW) | values
        self.rows[customer_id] = {f"customer_live:{name}": value for name, value in live.items()}

    async def read(self, entities: Sequence[Mapping[str, str]], features: Sequence[str]) -> list[dict[str, Any]]:
        rows = [self.rows.get(entity["customer_id"], {}) for entity in entities]
        return [{name: row.get(name) for name in features} for row in rows]


class MemoryMoments:
    def __init__(self) -> None:
        self.kept: dict[str, Moment] = {}

    async def get(self, key: str) -> Moment | None:
        return self.kept.get(key)

    async def put_first(self, key: str, moment: Moment, *, ttl_seconds: int) -> Moment:
        return self.kept.setdefault(key, moment)


class MemoryLog:
    def __init__(self) -> None:
        self.records: dict[str, DecisionRecord] = {}

    async def append(self, record: DecisionRecord) -> None:
        self.records[record.decision.decision_id] = record

    async def get(self, decision_id: str) -> DecisionRecord | None:
        return self.records.get(decision_id)


class Known:
    def __init__(self, catalog: Catalog | None, ranker: Ranker | None = None) -> None:
        self.catalog = catalog
        self.ranker = ranker


class Shop:
    """A Decider and everything around it."""

    def __init__(self, catalog: Catalog, policy: Policy) -> None:
        self.online = Online()
        self.stock = MemoryStock(freshness=48 * 3_600_000_000)
        self.moments = MemoryMoments()
        self.log = MemoryLog()
        self.known = Known(catalog)
        self.policy = policy
        self.experiments = Experiments()
        self.denied: set[str] = set()
        self.numbers = iter(range(1_000_000))

    async def consent_of(self, customer_id: str) -> Consent:
        purposes = ("personalization/all", "marketing/email", "ads/all")
        return Consent({name: Grant("denied" if name in self.denied else "granted", NOW) for name in purposes})

    @property
    def decider(self) -> Decider:
        return Decider(
            identity=Graph(),  # type: ignore[arg-type]
            consent_of=self.consent_of,
            online=self.online,  # type: ignore[arg-type]
            stock=self.stock,
            moments=self.moments,
            log=self.log,
            knowledge=self.known,
            policy=self.policy,
            experiments=self.experiments,
            clock=lambda: AS_OF,
            new_id=lambda: f"d{next(self.numbers)}",
        )

    async def fill(self, *, quantity: int = 5, stores: Sequence[str] = ("s0", "s1", "s2", "web")) -> None:
        await self.stock.seed(
            Count(store_id=store, product_id=f"p{number:03}", quantity=quantity, counted_at=NOW - 3_600_000_000)
            for store in stores
            for number in range(60)
        )


@pytest.fixture
def make_shop(catalog: Catalog, policy: Policy) -> Callable[[], Shop]:
    return lambda: Shop(catalog, policy)
