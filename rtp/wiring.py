"""The only place that chooses stores: which technology stands behind each port."""

from redis.asyncio import Redis

from rtp.inventory.live import StockListener
from rtp.inventory.stock import StockStore
from rtp.settings import Settings
from rtp.stores.connections import connect
from rtp.stores.lake import Lake
from rtp.stores.stock_redis import RedisStock


def redis_client(settings: Settings) -> Redis:
    """A client of the Redis that holds all live state."""
    return connect(settings.redis_address)


def lake(settings: Settings) -> Lake:
    """The Parquet lake."""
    return Lake(settings.lake_dir)


def stock_store(settings: Settings, client: Redis, *, listener: StockListener | None = None) -> StockStore:
    """Stock by (store, product); `listener` (see rtp.inventory.live) is told of changes."""
    return RedisStock(client, freshness=settings.stock_freshness_hours * 3_600_000_000, listener=listener)
