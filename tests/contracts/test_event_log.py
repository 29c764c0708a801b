"""What every event log promises."""

from collections import Counter
from typing import Any

import pytest
import redis.asyncio

from rtp.identity.keys import partition_of
from rtp.signals.event import LogEntry, position_order
from rtp.signals.log import WORKER_GROUP, Accounting, EventLog, Verdict
from rtp.stores.event_log_memory import MemoryEventLog
from rtp.stores.event_log_redis import RedisEventLog
from tests.making import event, user_key

PARTITIONS = 3


async def read_all(log: EventLog, group: str = WORKER_GROUP, consumer: str = "a", count: int = 100) -> list[LogEntry]:
    return [
        entry
        for partition in range(log.partitions)
        for entry in await log.read(group, consumer, partition, count=count, block_ms=0)
    ]


def items(count: int) -> list[tuple[str, Any]]:
    return [(user_key(f"u{number % 7}"), event(f"m{number}")) for number in range(count)]


async def acknowledge(log: EventLog, entries: list[LogEntry], group: str = WORKER_GROUP) -> None:
    await log.acknowledge(group, [Verdict(entry, "applied", "c1") for entry in entries])


class Contract:
    """Run on each implementation; the fixture `log` is an empty one."""

    async def test_what_is_appended_is_read_once_by_each_group(self, log: EventLog) -> None:
        sent = items(50)
        positions = await log.append(sent)
        for group in (WORKER_GROUP, "other"):
            entries = await read_all(log, group)
            assert Counter(entry.event.message_id for entry in entries) == Counter(each.message_id for _, each in sent)
            assert {entry.position for entry in entries} == set(positions)
            assert await read_all(log, group, "b") == []

    async def test_an_event_comes_back_as_it_went_in(self, log: EventLog) -> None:
        sent = event("m1", properties={"price": 1.5, "tags": ["a"], "ä": None}, context={"channel": "app"}, gpc=True)
        await log.append([(user_key(), sent)])
        (entry,) = await read_all(log)
        assert (entry.event, entry.partition_key) == (sent, user_key())

    async def test_one_partition_key_stays_in_one_partition_in_order(self, log: EventLog) -> None:
        for number in range(20):
            await log.append([(user_key(), event(f"m{number}"))])
        entries = await read_all(log)
        assert len({entry.partition for entry in entries}) == 1
        assert [entry.event.message_id for entry in entries] == [f"m{number}" for number in range(20)]
        orders = [position_order(entry.position) for entry in entries]
        assert orders == sorted(set(orders))

    async def test_unacknowledged_entries_come_first_after_a_rewind(self, log: EventLog) -> None:
        await log.append([(user_key(), event(f"m{number}")) for number in range(6)])
        partition = (await read_all(log, count=2))[0].partition
        log.rewind(WORKER_GROUP, "a", partition)
        again = [
            entry.event.message_id
            for _ in range(3)
            for entry in await log.read(WORKER_GROUP, "a", partition, count=4, block_ms=0)
        ]
        assert again == [f"m{number}" for number in range(6)]

    async def test_acknowledged_entries_do_not_come_back(self, log: EventLog) -> None:
        await log.append(items(20))
        await acknowledge(log, await read_all(log))
        for partition in range(PARTITIONS):
            log.rewind(WORKER_GROUP, "a", partition)
        assert await read_all(log) == []

    async def test_a_dead_consumers_entries_are_claimed_in_order(self, log: EventLog) -> None:
        await log.append([(user_key(), event(f"m{number}")) for number in range(5)])
        partition = (await read_all(log, consumer="dead"))[0].partition
        assert await log.claim(WORKER_GROUP, "alive", partition, idle_ms=0) == 5
        entries = await log.read(WORKER_GROUP, "alive", partition, count=10, block_ms=0)
        assert [entry.event.message_id for entry in entries] == [f"m{number}" for number in range(5)]

    async def test_an_entry_counts_once_however_often_it_is_acknowledged(self, log: EventLog) -> None:
        await log.append(items(10))
        entries = await read_all(log)
        await acknowledge(log, entries[:6])
        await acknowledge(log, entries[:7])
        await log.acknowledge(WORKER_GROUP, [Verdict(entries[7], "duplicate"), Verdict(entries[8], "rejected")])
        assert await log.accounting() == Accounting(accepted=10, applied=7, duplicates=1, rejected=1, pending=1)

    async def test_other_groups_do_not_count(self, log: EventLog) -> None:
        await log.append(items(4))
        await acknowledge(log, await read_all(log, "other"), "other")
        assert await log.accounting() == Accounting(accepted=4, pending=4)

    async def test_the_tail_shows_entries_without_taking_them(self, log: EventLog) -> None:
        await log.append([(user_key(), event(f"m{number}")) for number in range(5)])
        partition = partition_of(user_key(), PARTITIONS)
        first = await log.tail(partition, after="", count=2)
        rest = await log.tail(partition, after=first[-1].position, count=9)
        assert [entry.event.message_id for entry in first + rest] == [f"m{number}" for number in range(5)]
        assert len(await read_all(log)) == 5

    async def test_the_newest_entries_are_shown_oldest_first(self, log: EventLog) -> None:
        await log.append([(user_key(), event(f"m{number}")) for number in range(5)])
        newest = await log.newest(partition_of(user_key(), PARTITIONS), count=2)
        assert [entry.event.message_id for entry in newest] == ["m3", "m4"]


class TestMemory(Contract):
    @pytest.fixture
    def log(self) -> EventLog:
        return MemoryEventLog(partitions=PARTITIONS)


class TestRedis(Contract):
    @pytest.fixture
    def log(self, redis_client: redis.asyncio.Redis) -> EventLog:
        return RedisEventLog(redis_client, partitions=PARTITIONS)
