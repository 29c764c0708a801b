"""The only place that chooses stores: which technology stands behind each port."""

from redis.asyncio import Redis

from rtp.settings import Settings
from rtp.stores.connections import connect
from rtp.stores.lake import Lake


def redis_client(settings: Settings) -> Redis:
    """A client of the Redis that holds all live state."""
    return connect(settings.redis_address)


def lake(settings: Settings) -> Lake:
    """The Parquet lake."""
    return Lake(settings.lake_dir)
