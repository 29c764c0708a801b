"""What is being served: a look-up, the published version, and every byte in Redis."""

import hashlib
from collections.abc import Mapping

import duckdb
import msgspec
from redis.asyncio import Redis

from rtp import wiring
from rtp.settings import Settings
from rtp_dagster.redis_work import on_redis


class Served(msgspec.Struct, frozen=True):
    """Equal before and after whatever touched nothing."""

    version: str | None
    orders: Mapping[str, object]
    redis: str


def served(settings: Settings) -> Served:
    """What is served now."""
    version = wiring.lake(settings).published_version()
    return Served(version, orders_online(settings), on_redis(settings, _fingerprint))


def orders_online(settings: Settings) -> Mapping[str, object]:
    """What the online store says of the customer with the most orders."""
    mart = wiring.lake(settings).mart("customer_profile")
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select customer_id from '{mart}' order by orders_365d desc, customer_id limit 1"
        ).fetchone()
    assert found
    entity, feature = {"customer_id": found[0]}, "customer_profile:orders_365d"
    return on_redis(settings, lambda client: wiring.online_store(client).read([entity], [feature]))[0]


async def _fingerprint(client: Redis) -> str:
    keys = sorted([key async for key in client.scan_iter(count=5_000)])
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.dump(key)
    digest = hashlib.sha256()
    for key, value in zip(keys, await pipeline.execute(), strict=True):
        digest.update(key + b"\0" + (value or b""))
    return digest.hexdigest()
