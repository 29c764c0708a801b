"""What only the event log on Redis promises."""

import asyncio

import pytest
import redis.asyncio

from rtp.errors import Retryable
from rtp.profile.fragment import Fragment
from rtp.profile.store import Save
from rtp.signals.log import WORKER_GROUP, Verdict
from rtp.stores.archive_redis import ArchiveSource
from rtp.stores.connections import connect
from rtp.stores.event_log_redis import RedisEventLog, stream_key
from rtp.stores.fragments_redis import RedisFragments
from rtp.stores.memory_guard import MemoryGuard
from rtp.stores.record_stream import RecordStream
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
    log._client = connect(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(Retryable):
        await log.read(WORKER_GROUP, "a", 0, count=1, block_ms=0)
    log._client = redis_client
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


async def test_events_are_refused_before_redis_is_out_of_memory_and_taken_again_after(
    redis_client: redis.asyncio.Redis,
) -> None:
    """What was accepted can still be acknowledged and archived, and that makes room."""
    megabyte = 2**20
    used = int((await redis_client.info("memory"))["used_memory"])
    await redis_client.config_set("maxmemory", used + 24 * megabyte)
    clock = iter(range(1_000_000))
    log = RedisEventLog(redis_client, partitions=1, guard=MemoryGuard(redis_client, clock=lambda: float(next(clock))))
    big = {"text": "x" * 30_000}
    accepted = 0
    try:
        refused = None
        while refused is None:
            try:
                await log.append([(user_key(), event(f"m{accepted + each}", properties=big)) for each in range(5)])
                accepted += 5
            except Retryable as error:
                refused = error
        assert "nearly out of memory" in refused.message
        assert refused.retry_after_seconds >= 1
        assert accepted > 100
        await redis_client.set("a decision", "is still stored")
        while entries := await log.read(WORKER_GROUP, "a", 0, count=50, block_ms=0):
            await log.acknowledge(WORKER_GROUP, [Verdict(each, "applied", "c1") for each in entries])
        source = ArchiveSource(redis_client, "events", partitions=1)
        plan = await source.plan(count=accepted)
        assert plan is not None
        assert len(await source.read(plan)) == accepted
        await source.commit(plan)
        await log.append([(user_key(), event("after"))])
        assert (await log.accounting()).accepted == accepted + 1
    finally:
        await redis_client.config_set("maxmemory", 0)


async def test_redis_out_of_memory_is_retryable(redis_client: redis.asyncio.Redis) -> None:
    """Both in a command and inside a script, which Redis 6.2 reports each in its own way."""
    guard = MemoryGuard(redis_client, limit_bytes=2**40)
    log, fragments = RedisEventLog(redis_client, partitions=1, guard=guard), RedisFragments(redis_client)
    guard.admit = _always  # type: ignore[method-assign]
    await redis_client.config_set("maxmemory", 1)
    try:
        with pytest.raises(Retryable):
            await log.append([(user_key(), event())])
        with pytest.raises(Retryable):
            await fragments.save([Save(fragment_id=user_key(), before=Fragment(), after=Fragment())])
        with pytest.raises(Retryable):
            await RecordStream(redis_client, "decisions").append([1])
    finally:
        await redis_client.config_set("maxmemory", 0)


async def _always() -> None:
    """There is room, whatever Redis says."""
