"""Running reservations as a file of the lake: they live in Redis only, and the warehouse wants to know of them."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from rtp.inventory.stock import StockStore
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.archive_files import TYPES
from rtp.stores.archive_schema import RESERVATIONS, prepare_archives
from rtp.stores.feeds.prepare import prepare_lake
from rtp.stores.feeds.session import feed_session
from rtp.stores.lake import Lake, appearing


async def write_reservations(lake: Lake, stock: StockStore, *, now: int) -> int:
    """Replaces `stock/reservations.parquet` by what is reserved at `now` (µs); returns how many positions are.

    Looks at every store that was ever counted. Raises Retryable.
    """
    held = {store_id: await stock.reserved(store_id, now=now) for store_id in _stores(lake)}
    return _write(lake, held, now)


def _stores(lake: Lake) -> list[str]:
    prepare_lake(lake)
    prepare_archives(lake)
    globs = (lake.feed("inventory") / "*.parquet", lake.archive("movements") / "**" / "*.parquet")
    parts = " UNION ".join(
        f"SELECT store_id FROM read_parquet({literal(str(glob))}, union_by_name = true, hive_partitioning = false)"
        for glob in globs
    )
    with feed_session() as connection:
        return [str(row[0]) for row in connection.execute(f"{parts} ORDER BY 1").fetchall()]


def _write(lake: Lake, held: Mapping[str, Mapping[str, int]], now: int) -> int:
    rows = [
        {"store_id": store_id, "product_id": product_id, "reserved": units, "taken_at": now}
        for store_id, products in sorted(held.items())
        for product_id, units in sorted(products.items())
    ]
    schema = pa.schema([(name, TYPES[kind]) for name, kind in RESERVATIONS])
    with appearing(lake.reservations) as aside:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), aside)
    return len(rows)
