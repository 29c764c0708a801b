"""Moments: the first writer wins, in every process; decisions: kept for the archive and for who asks."""

import asyncio

import msgspec
import redis.asyncio

from rtp.decisioning.decision import Decision, DecisionRecord
from rtp.decisioning.moment import Moment, Ranked
from rtp.stores.decision_log_redis import RedisDecisionLog
from rtp.stores.moments_redis import RedisMoments, moment_key


def moment(name: str) -> Moment:
    ranked = Ranked("p1", 0.25, 1.5, None, own_baskets=3, days_since=2.0)
    return Moment(moment_id=name, created_at=1, ranking=(ranked,), candidates=9, contextual=False)


async def test_of_many_writers_everybody_reads_the_first(redis_client: redis.asyncio.Redis) -> None:
    moments = RedisMoments(redis_client)
    assert await moments.get("k") is None
    answers = await asyncio.gather(
        *(moments.put_first("k", moment(f"m{number}"), ttl_seconds=60) for number in range(10))
    )
    assert len({answer.moment_id for answer in answers}) == 1
    assert await moments.get("k") == answers[0]


async def test_a_moment_ends_by_itself(redis_client: redis.asyncio.Redis) -> None:
    await RedisMoments(redis_client).put_first("k", moment("m"), ttl_seconds=60)
    assert 0 < await redis_client.ttl(moment_key("k")) <= 60


async def test_a_decision_is_in_the_stream_for_the_archive_and_under_its_id(redis_client: redis.asyncio.Redis) -> None:
    decision = Decision(
        decision_id="d1", moment_id="m1", customer_id="c1", channel="web", placement="home", fallback=False
    )
    record = DecisionRecord(
        decision=decision, decided_at=1, store_id=None, region=None, context_product_id=None,
        features={"customer_live:events_total": 3}, candidates=9, policy_version="p", model_version="m",
        catalog_version="c", rejected=[],
    )  # fmt: skip
    log = RedisDecisionLog(redis_client)
    await log.append(record)
    assert await log.get("d1") == record
    assert await log.get("d2") is None
    [(_, fields)] = await redis_client.xrange("rtp:{decisions}")
    assert msgspec.json.decode(fields[b"d"], type=DecisionRecord) == record
