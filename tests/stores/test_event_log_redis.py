"""What only the event log on Redis promises."""

import asyncio

import pytest
import redis.asyncio

from rtp.errors import Retryable
from rtp.signals.log import WORKER_GROUP
from rtp.stores.connections import connect
from rtp.stores.event_log_redis import RedisEventLog, stream_key
from tests.conftest import free_port
from tests.making import event, user_key


async def test_concurrent_appends_share_writes(redis_client: redis.asyncio.Redis) -> None:
    log = RedisEventLog(redis_client, partitions=1)
    await log.append([(user_key(), event("warm"))])
    before = (await redis_client.info("commandstats"))["cmdstat_evalsha"]["calls"]
    answers = await asyncio.gather(*(log.append([(user_key(), event(f"m{number}"))]) for number in range(200)))
    after = (await redis_client.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert len({position for positions in answers for position in positions}) == 200
    assert after - before <= 5


async def test_a_full_partition_is_retryable_and_stores_nothing(redis_client: redis.asyncio.Redis) -> None:
    log = RedisEventLog(redis_client, partitions=1, max_entries=2)
    await log.append([(user_key(), event("m1")), (user_key(), event("m2"))])
    with pytest.raises(Retryable):
        await log.append([(user_key(), event("m3"))])
    assert (await log.accounting()).accepted == 2


async def test_no_redis_is_retryable() -> None:
    client = connect(f"redis://127.0.0.1:{free_port()}/0")
    log = RedisEventLog(client, partitions=1)
    with pytest.raises(Retryable):
        await log.append([(user_key(), event())])
    with pytest.raises(Retryable):
        await log.read(WORKER_GROUP, "a", 0, count=1, block_ms=0)
    await client.aclose()


async def test_a_failed_read_starts_again_with_what_is_unacknowledged(redis_client: redis.asyncio.Redis) -> None:
    """A dropped reply leaves entries delivered but unseen; going on with new ones would lose them."""
    log = RedisEventLog(redis_client, partitions=1)
    await log.append([(user_key(), event("m1"))])
    await log.read(WORKER_GROUP, "a", 0, count=1, block_ms=0)
    real, redis_client.connection_pool = (
        redis_client.connection_pool,
        connect(f"redis://127.0.0.1:{free_port()}/0").connection_pool,
    )
    with pytest.raises(Retryable):
        await log.read(WORKER_GROUP, "a", 0, count=1, block_ms=0)
    redis_client.connection_pool = real
    assert [entry.event.message_id for entry in await log.read(WORKER_GROUP, "a", 0, count=1, block_ms=0)] == ["m1"]


async def test_a_lost_group_is_made_again_from_the_beginning(redis_client: redis.asyncio.Redis) -> None:
    log = RedisEventLog(redis_client, partitions=1)
    await log.append([(user_key(), event("m1"))])
    await log.read(WORKER_GROUP, "a", 0, count=1, block_ms=0)
    await redis_client.xgroup_destroy(stream_key(0), WORKER_GROUP)
    found = [entry for _ in range(2) for entry in await log.read(WORKER_GROUP, "a", 0, count=1, block_ms=0)]
    assert [entry.event.message_id for entry in found] == ["m1"]


async def test_scripts_forgotten_by_redis_are_loaded_again(redis_client: redis.asyncio.Redis) -> None:
    log = RedisEventLog(redis_client, partitions=2)
    await log.append([(user_key("u1"), event("m1")), (user_key("u2"), event("m2"))])
    await redis_client.script_flush()
    await log.append([(user_key(f"u{number}"), event(f"n{number}")) for number in range(8)])
    assert (await log.accounting()).accepted == 10
