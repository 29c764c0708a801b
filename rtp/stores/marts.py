"""Reading the published marts: each is a view, in memory; the warehouse file stays closed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rtp.errors import Fatal
from rtp.inventory.stock import Count
from rtp.stores.lake import Lake

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def marts_session(lake: Lake) -> Iterator["DuckDBPyConnection"]:
    """A DuckDB in memory with a view for each mart of the version published now, whatever is published meanwhile.

    Raises Fatal where nothing is published yet.
    """
    import duckdb

    from rtp.signals.feeds.schema_sql import literal, quoted

    if lake.published_version() is None:
        raise Fatal("Nothing is published yet.", hint="Run `rtp build` first.")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for path in sorted(lake.marts.resolve().glob("*/data.parquet")):
            connection.execute(f"CREATE VIEW {quoted(path.parent.name)} AS FROM read_parquet({literal(str(path))})")
        yield connection


def stock_counts(lake: Lake) -> list[Count]:
    """The stock positions of the last build, as counts at the newest count or movement that they include."""
    build = lake.published_version() or ""
    with marts_session(lake) as connection:
        rows = connection.execute(
            """
            SELECT store_id, product_id, on_hand, epoch_us(greatest(counted_at, moved_at, TIMESTAMPTZ '1970-01-01')),
                   coalesce(safety_stock, 0), basis = 'salable', epoch_us(counted_at), coalesce(settled_orders, [])
            FROM inventory_position
            WHERE on_hand IS NOT NULL
            """
        ).fetchall()
    return [
        Count(
            store_id=store_id,
            product_id=product_id,
            quantity=int(on_hand),
            counted_at=moment,
            safety_stock=int(safety),
            salable=bool(salable),
            physical_at=counted_at,
            settled=tuple(settled),
            build=build,
        )
        for store_id, product_id, on_hand, moment, safety, salable, counted_at, settled in rows
    ]


def marts_moment(lake: Lake) -> int:
    """The moment that the published marts speak for, in microseconds since 1970 UTC."""
    with marts_session(lake) as connection:
        row = connection.execute("SELECT epoch_us(max(as_of)) FROM product").fetchone()
    if row is None or row[0] is None:
        raise Fatal("No product is published.", hint="Load a catalogue with `rtp load`, then `rtp build`.")
    return int(row[0])
