"""Building a catalogue from the marts `order_line`, `product` and `store`, as of a moment."""

import hashlib
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from rtp.decisioning.catalog import (
    CUSTOMER_STATS,
    DAYPARTS,
    PRODUCT_STATS,
    STORE,
    WAREHOUSE,
    WEB,
    Catalog,
    Csr,
    Customers,
    Products,
    Stores,
)
from rtp.optimization import figures, groups, sales, similar
from rtp.optimization.sales import Columns, Window

KINDS = {"store": STORE, "warehouse": WAREHOUSE, "web": WEB}
POPULAR = 500
SELLERS = 200
DAYPART_PRIOR = 20.0
LONGEST_NAME = 80


def build_catalog(db: duckdb.DuckDBPyConnection, window: Window) -> Catalog:
    """The catalogue of all that was sold before `window.as_of`.

    `db` has views `order_line`, `product`, `store` with the columns of the marts; temporary tables are made on it.
    """
    sales.prepare(db, window)
    groups.group_customers(db)
    products = build_products(db, window.as_of)
    customers = build_customers(db, len(products.ids))
    stores = build_stores(db, window.as_of)
    return Catalog(
        version=version_of(products, customers, window),
        as_of=window.as_of * 1_000_000,
        products=products,
        stores=stores,
        customers=customers,
    )


def build_products(db: duckdb.DuckDBPyConnection, as_of: int) -> Products:
    """All products that were sold."""
    columns = figures.product_stats(db, as_of)
    count = len(columns["product_id"])
    weight = np.nan_to_num(columns["weight"])
    popular = np.argsort(-weight, kind="stable")
    rank = np.empty(count, np.int64)
    rank[popular] = np.arange(count)
    everybody = max(1, int(sales.query(db, "select count(distinct customer_id) as n from basket")["n"][0]))
    columns |= {
        "popularity": weight / max(float(weight.sum()), 1e-9),
        "log_rank": np.log1p(rank),
        "customer_share": columns["customers"] / everybody,
    }
    price = np.where(np.isnan(columns["price"]), columns["list_price"], columns["price"])
    return Products(
        ids=as_ids(columns["product_id"]),
        names=np.array([name[:LONGEST_NAME] for name in columns["name"]], np.str_),
        category=codes(columns["category"]),
        department=codes(columns["department"]),
        brand=codes(columns["brand"]),
        price=price.astype(np.float32),
        cost=columns["unit_cost"].astype(np.float32),
        stats=np.stack([columns[name] for name in PRODUCT_STATS], axis=1).astype(np.float32),
        dayparts=build_dayparts(db, count),
        popular=popular[:POPULAR].astype(np.int32),
        neighbours=build_neighbours(db, count),
    )


def build_dayparts(db: duckdb.DuckDBPyConnection, products: int) -> npt.NDArray[np.float32]:
    """How much more than average each product sells in each part of the week, drawn towards 1 where little is known."""
    columns = figures.dayparts(db)
    counts = np.zeros((products, DAYPARTS))
    np.add.at(counts, (columns["product"], columns["part"]), columns["sales"])
    overall = counts.sum(axis=0) / max(counts.sum(), 1.0)
    expected = counts.sum(axis=1, keepdims=True) * overall
    lift = (counts + DAYPART_PRIOR * overall) / np.maximum(expected + DAYPART_PRIOR * overall, 1e-9)
    return np.asarray(lift, np.float32)


def build_neighbours(db: duckdb.DuckDBPyConnection, products: int) -> Csr:
    """Products bought together."""
    columns = sales.query(
        db,
        "select cast(dense_rank() over (order by customer_id, order_id) - 1 as bigint) as basket, product from item",
    )
    return similar.neighbours(columns["basket"], columns["product"].astype(np.int64), products)


def build_customers(db: duckdb.DuckDBPyConnection, products: int) -> Customers:
    """All customers with baskets."""
    habits, stats = groups.habits(db), groups.group_stats(db)
    ids = sales.query(db, "select customer_id from wanted order by grp")["customer_id"]
    mine = habit_matrix(habits, len(ids), products)
    panel = panel_of(len(ids))
    return Customers(
        ids=as_ids(ids),
        start=similar.starts(habits["grp"], len(ids)),
        **habit_columns(habits),
        stats=stats_matrix(stats),
        favourite_store=stats["favourite_store"].astype(np.int32),
        kindred=similar.kindred(mine, np.arange(len(ids)), mine[panel], panel),
    )


def panel_of(customers: int) -> npt.NDArray[np.int64]:
    """Which customers others are compared with: all, or an even sample of them."""
    return np.unique(np.linspace(0, max(customers - 1, 0), min(customers, similar.LARGEST_PANEL)).astype(np.int64))


def habit_matrix(habits: Columns, groups: int, products: int) -> sp.csr_matrix:
    """Decayed habits, one row a group."""
    return sp.csr_matrix((habits["decayed"], (habits["grp"], habits["product"])), shape=(groups, products))


def habit_columns(habits: Columns) -> dict[str, npt.NDArray[Any]]:
    """The columns of Customers that come straight from the query."""
    kinds = {
        "product": np.int32, "baskets": np.float32, "decayed": np.float32, "first_at": np.int64, "last_at": np.int64,
        "since": np.int32,
    }  # fmt: skip
    return {name: habits[name].astype(kind) for name, kind in kinds.items()}


def stats_matrix(stats: Columns) -> npt.NDArray[np.float64]:
    """Columns as CUSTOMER_STATS."""
    return np.stack([stats[name] for name in CUSTOMER_STATS], axis=1).astype(np.float64)


def build_stores(db: duckdb.DuckDBPyConnection, as_of: int) -> Stores:
    """All stores that are known or sold something."""
    rows = sales.query(
        db,
        "select store_id, coalesce(any_value(kind), 'store') as kind, store from known_store"
        " left join store using (store_id) group by store_id, known_store.store order by known_store.store",
    )
    shares = figures.store_sales(db, as_of)
    count = len(rows["store_id"])
    return Stores(
        ids=as_ids(rows["store_id"]),
        kinds=np.array([KINDS.get(kind, STORE) for kind in rows["kind"]], np.int8),
        sales=Csr(similar.starts(shares["store"], count), shares["product"].astype(np.int32), shares["share"]),
        sellers=similar.strongest(
            sp.csr_matrix((shares["share"], shares["product"], similar.starts(shares["store"], count))), SELLERS
        ),
    )


def as_ids(values: npt.NDArray[Any]) -> npt.NDArray[np.bytes_]:
    """Ids as sorted fixed-width bytes. DuckDB orders text by its UTF-8 bytes, as numpy orders these."""
    return np.array([str(value).encode() for value in values], np.bytes_)


def codes(values: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Small numbers for names, in the order of the names; -1 for the empty name."""
    names, code = np.unique(values.astype(np.str_), return_inverse=True)
    return (code - (1 if len(names) and not names[0] else 0)).astype(np.int32)


def version_of(products: Products, customers: Customers, window: Window) -> str:
    """A name that says what is in it: the same purchases give the same version."""
    digest = hashlib.sha256(repr(window).encode())
    for array in (products.ids, products.stats, customers.ids, customers.product, customers.decayed):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
