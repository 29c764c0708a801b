"""Running reservations reach the lake."""

from pathlib import Path

import pyarrow.parquet as pq
import redis.asyncio

from rtp.inventory.stock import Movement
from rtp.stores.archive_files import write_batch
from rtp.stores.archive_rows import ArchivedRow
from rtp.stores.lake import Lake
from rtp.stores.stock_redis import RedisStock
from rtp.stores.stock_snapshot import write_reservations
from tests.making import NOON, SECOND


async def test_reservations_of_every_counted_store_are_in_the_file_until_they_are_over(
    redis_client: redis.asyncio.Redis, tmp_path: Path
) -> None:
    lake, stock = Lake(tmp_path), RedisStock(redis_client, freshness=3600 * SECOND)
    counted = Movement(movement_id="m1", store_id="s1", product_id="p1", kind="count", quantity=5, occurred_at=NOON)
    await stock.apply([counted])
    write_batch(lake, "movements", "1-1", [ArchivedRow(NOON, {"store_id": "s1", "product_id": "p1"})])
    await stock.reserve("s1", "p1", "r1", quantity=2, ttl_seconds=60, now=NOON)
    assert await write_reservations(lake, stock, now=NOON) == 1
    (row,) = pq.read_table(lake.reservations).to_pylist()
    assert (row["store_id"], row["product_id"], row["reserved"]) == ("s1", "p1", 2)
    assert await write_reservations(lake, stock, now=NOON + 61 * SECOND) == 0
    assert pq.read_table(lake.reservations).num_rows == 0
