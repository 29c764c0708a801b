"""Sales of a window of time as DuckDB tables: what was sold, in which basket, as what product of a catalogue.

Runs on any DuckDB connection that has the views `order_line`, `product` and `store` (columns as the marts of these
names), out of core where memory is short. The same tables make the catalogue that serves and the rows that train.
"""

from typing import Any

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rtp.decisioning.catalog import Catalog

LONGEST_ID = 64
"""Longer product ids are in no catalogue: its arrays have one width for all."""

_DATED = """
create or replace temp table dated as
select order_id, customer_id, product_id, coalesce(store_id, '') as store_id,
       epoch_us(ordered_at) // 1000000 as moment,
       cast(quantity - coalesce(returned_quantity, 0) as double) as units,
       cast(net_amount as double) as net, coalesce(cast(discount_amount as double), 0) as discount
from order_line
where epoch_us(ordered_at) // 1000000 < ? and product_id is not null
"""
_BASKETS = """
create or replace temp table basket as
with ordered as (
    select customer_id, order_id, min(moment) as moment, any_value(store_id) as store_id, count(*) as lines,
           avg(ln(greatest(net / units, 0.01))) filter (units > 0 and net > 0) as log_price,
           sum(discount) / nullif(sum(net + discount), 0) as discount_share
    from dated where customer_id is not null group by customer_id, order_id
),
numbered as (
    select *, row_number() over (partition by customer_id order by moment, order_id) as number,
           count(*) over (partition by customer_id) as total
    from ordered
)
select * from numbered where number <= total - ?
"""
_SALES = """
create or replace temp table sale as
select dated.*, basket.number from dated left join basket using (customer_id, order_id)
where dated.customer_id is null or basket.number is not null
"""
_ITEMS = """
create or replace temp table item as
select customer_id, order_id, number, product, any_value(known_store.store) as store, min(moment) as moment
from sale join known_product using (product_id) left join known_store using (store_id)
group by customer_id, order_id, number, product
"""

Columns = dict[str, npt.NDArray[Any]]


class Window(msgspec.Struct, frozen=True):
    """Which sales count."""

    as_of: int
    """Seconds since 1970 UTC: sales before this moment."""
    hold_out: int = 0
    """Leave out each customer's last so many baskets (a benchmark's household split)."""
    min_lines: int = 1
    """Products with fewer sale lines are not in the catalogue."""


def prepare(db: duckdb.DuckDBPyConnection, window: Window, *, known: Catalog | None = None) -> None:
    """Makes the temporary tables `sale`, `basket`, `item`, `known_product` and `known_store` of the window.

    With `known`, products and stores get the indexes that they have in that catalogue, and others are left out.
    """
    db.execute(_DATED, [window.as_of])
    db.execute(_BASKETS, [window.hold_out])
    db.execute(_SALES)
    if known is None:
        _number_all(db, window)
    else:
        _number_as(db, known)
    db.execute(_ITEMS)


def _number_all(db: duckdb.DuckDBPyConnection, window: Window) -> None:
    db.execute(
        """
        create or replace temp table known_product as
        select product_id, cast(row_number() over (order by product_id) - 1 as integer) as product
        from (select product_id from sale where length(product_id) <= ?
              group by product_id having count(*) >= ?)
        """,
        [LONGEST_ID, window.min_lines],
    )
    db.execute(
        """
        create or replace temp table known_store as
        select store_id, cast(row_number() over (order by store_id) - 1 as integer) as store
        from (select store_id from store union select store_id from sale where store_id <> '')
        """
    )


def _number_as(db: duckdb.DuckDBPyConnection, known: Catalog) -> None:
    for thing, ids in (("product", known.products.ids), ("store", known.stores.ids)):
        names = pa.array([bytes(value).decode() for value in ids], pa.string())
        db.register("numbered_ids", pa.table({"id": names, "number": pa.array(range(len(ids)), pa.int32())}))
        db.execute(
            f"create or replace temp table known_{thing} as"
            f" select id as {thing}_id, number as {thing} from numbered_ids"
        )
        db.unregister("numbered_ids")


def query(db: duckdb.DuckDBPyConnection, sql: str, parameters: list[Any] | None = None) -> Columns:
    """A query's columns as arrays; SQL NULL in a number becomes NaN, in an index -1 (say so with coalesce)."""
    columns = db.execute(sql, parameters or []).fetchnumpy()
    return {name: _plain(values) for name, values in columns.items()}


def _plain(values: Any) -> npt.NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):
        return np.asarray(values.filled(np.nan) if values.dtype.kind == "f" else values.data)
    return np.asarray(values)
