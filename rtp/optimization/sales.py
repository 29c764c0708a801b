"""SQL over purchases: who bought what in which basket, and what that says about customers and products.

Runs on any DuckDB connection that has the views `order_line`, `product` and `store` (columns as the marts of these
names), out of core where memory is short. The same queries make the catalogue that serves and the rows that train.
"""

from typing import Any

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rtp.decisioning.catalog import Catalog

GAMMA = 0.97
"""How much a purchase weighs after one more basket."""
HALF_LIFE_DAYS = 56.0
"""For what sells in general and in a store: a sale weighs half after eight weeks."""
LONGEST_ID = 64

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
    db.execute(
        """
        create or replace temp table dated as
        select order_id, customer_id, product_id, coalesce(store_id, '') as store_id,
               epoch_us(ordered_at) // 1000000 as moment,
               cast(quantity - coalesce(returned_quantity, 0) as double) as units,
               cast(net_amount as double) as net, coalesce(cast(discount_amount as double), 0) as discount
        from order_line
        where epoch_us(ordered_at) // 1000000 < ? and product_id is not null
        """,
        [window.as_of],
    )
    db.execute(
        """
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
        """,
        [window.hold_out],
    )
    db.execute(
        """
        create or replace temp table sale as
        select dated.*, basket.number from dated left join basket using (customer_id, order_id)
        where dated.customer_id is null or basket.number is not null
        """
    )
    if known is None:
        _number_all(db, window)
    else:
        _number_as(db, known)
    db.execute(
        """
        create or replace temp table item as
        select customer_id, order_id, number, product, any_value(known_store.store) as store, min(moment) as moment
        from sale join known_product using (product_id) left join known_store using (store_id)
        group by customer_id, order_id, number, product
        """
    )


def _number_all(db: duckdb.DuckDBPyConnection, window: Window) -> None:
    db.execute(
        """
        create or replace temp table known_product as
        select product_id, cast(row_number() over (order by product_id) - 1 as integer) as product
        from (select product_id from sale where length(product_id) <= 64
              group by product_id having count(*) >= ?)
        """,
        [window.min_lines],
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


def group_customers(db: duckdb.DuckDBPyConnection) -> None:
    """Makes `wanted`: one group a customer, with all their baskets."""
    db.execute(
        """
        create or replace temp table wanted as
        select cast(row_number() over (order by customer_id) - 1 as integer) as grp, customer_id,
               max(number) + 1 as before
        from basket group by customer_id
        """
    )


class Labels(msgspec.Struct, frozen=True):
    """Which baskets are to be foretold: those of a period, or the last ones of each customer."""

    since: int = 0
    """Seconds since 1970 UTC; only baskets from then on."""
    from_end: tuple[int, int] = (1, 2**31 - 1)
    """First and last place counted from the customer's last basket (which is 1)."""
    first_only: bool = False
    """Only the first such basket of each customer."""
    most: int = 2**31 - 1
    """At most so many, drawn evenly over customers and time."""


def group_labels(db: duckdb.DuckDBPyConnection, labels: Labels) -> Columns:
    """Makes `wanted`: one group a basket to be foretold, with what came before it; gives the groups.

    Baskets without any before them are left out: nothing could be known.
    """
    db.execute(
        """
        create or replace temp table wanted as
        with chosen as (
            select customer_id, number, moment, store_id, hash(customer_id || order_id) as draw,
                   row_number() over (partition by customer_id order by number) as turn
            from basket
            where number > 1 and moment >= ? and total - number + 1 between ? and ?
        ),
        kept as (select * from chosen where turn = 1 or not ? order by draw limit ?)
        select cast(row_number() over (order by customer_id, number) - 1 as integer) as grp,
               customer_id, number as before, moment as label_moment, store_id as label_store_id
        from kept
        """,
        [labels.since, *labels.from_end, labels.first_only, labels.most],
    )
    return query(
        db,
        """
        select customer_id, label_moment as moment, coalesce(store, -1) as store
        from wanted left join known_store on store_id = label_store_id order by grp
        """,
    )


def truths(db: duckdb.DuckDBPyConnection) -> Columns:
    """One row a group and product in the basket to be foretold."""
    return query(
        db,
        """
        select distinct grp, product from wanted
        join item on item.customer_id = wanted.customer_id and item.number = wanted.before
        order by grp, product
        """,
    )


def habits(db: duckdb.DuckDBPyConnection) -> Columns:
    """One row a group and product: what the group's customer had bought before basket number `before`."""
    return query(
        db,
        """
        select grp, product, cast(count(*) as float) as baskets,
               cast(sum(pow(?, before - 1 - number)) as float) as decayed,
               min(moment) as first_at, max(moment) as last_at, cast(min(before - 1 - number) as integer) as since
        from wanted join item using (customer_id) where number < before
        group by grp, product order by grp, product
        """,
        [GAMMA],
    )


def group_stats(db: duckdb.DuckDBPyConnection) -> Columns:
    """One row a group: the customer's figures before basket number `before`."""
    return query(
        db,
        """
        select grp, cast(count(number) as double) as baskets, cast(min(moment) as double) as first_at,
               cast(max(moment) as double) as last_at,
               (max(moment) - min(moment)) / 86400.0 / nullif(count(number) - 1, 0) as mean_gap_days,
               avg(lines) as mean_lines, avg(log_price) as log_price, avg(discount_share) as discount_share,
               coalesce(mode(known_store.store), -1) as favourite_store
        from wanted left join basket on basket.customer_id = wanted.customer_id and number < before
        left join known_store using (store_id)
        group by grp order by grp
        """,
    )


def product_stats(db: duckdb.DuckDBPyConnection, as_of: int) -> Columns:
    """One row a product of the catalogue, in the order of its index."""
    return query(
        db,
        """
        with buyer as (
            select product, customer_id, count(*) as baskets, (max(moment) - min(moment)) / 86400.0 as span
            from item where customer_id is not null group by product, customer_id
        ),
        bought as (
            select product, count(*) as customers, avg(cast(baskets >= 2 as int)) as repeat_rate,
                   sum(span) / nullif(sum(baskets - 1) filter (baskets >= 2), 0) as typical_gap_days
            from buyer group by product
        ),
        sold as (
            select product, sum(pow(0.5, ($as_of - moment) / 86400.0 / $half_life)) as weight,
                   count(*) filter (moment >= $as_of - 28 * 86400) as recent,
                   count(*) filter (moment >= $as_of - 91 * 86400) as longer
            from item group by product
        ),
        paid as (
            select product, avg(net / units) filter (units > 0 and net > 0) as price,
                   avg(ln(greatest(net / units, 0.01))) filter (units > 0 and net > 0) as log_price,
                   sum(discount) / nullif(sum(net + discount), 0) as discount_share
            from sale join known_product using (product_id) group by product
        )
        select product_id, coalesce(any_value(name), '') as name, coalesce(any_value(category), '') as category,
               coalesce(any_value(department), '') as department, coalesce(any_value(brand), '') as brand,
               cast(any_value(list_price) as double) as list_price, cast(any_value(unit_cost) as double) as unit_cost,
               any_value(price) as price, any_value(weight) as weight,
               any_value(3.25 * recent / nullif(longer, 0)) as trend,
               any_value(repeat_rate) as repeat_rate, cast(any_value(customers) as double) as customers,
               any_value(typical_gap_days) as typical_gap_days, any_value(log_price) as log_price,
               any_value(paid.discount_share) as discount_share
        from known_product left join product using (product_id)
        left join bought using (product) left join sold using (product) left join paid using (product)
        group by product_id, known_product.product order by known_product.product
        """,
        {"as_of": as_of, "half_life": HALF_LIFE_DAYS},  # type: ignore[arg-type]
    )


def dayparts(db: duckdb.DuckDBPyConnection) -> Columns:
    """Sales by product and part of the week (as rtp.decisioning.catalog.daypart)."""
    return query(
        db,
        """
        select product, cast(case when (moment // 86400 + 4) % 7 in (0, 6) then 6 + moment % 86400 // 43200
                             else moment % 86400 // 14400 end as integer) as part, count(*) as sales
        from item group by all
        """,
    )


def store_sales(db: duckdb.DuckDBPyConnection, as_of: int) -> Columns:
    """Decayed sales by store and product, and the store's decayed baskets."""
    return query(
        db,
        """
        with weighed as (
            select store, product, order_id, pow(0.5, ($as_of - moment) / 86400.0 / $half_life) as weight
            from item where store is not null
        ),
        visits as (select store, sum(weight) as total from
                   (select store, order_id, max(weight) as weight from weighed group by store, order_id) group by store)
        select store, product, cast(sum(weight) / any_value(total) as float) as share
        from weighed join visits using (store) group by store, product order by store, product
        """,
        {"as_of": as_of, "half_life": HALF_LIFE_DAYS},  # type: ignore[arg-type]
    )
