"""Watching events, archived or not, on a real Redis and a lake in a temporary directory."""

import asyncio
from pathlib import Path

import pytest
import redis.asyncio

from rtp.signals.log import WORKER_GROUP, Verdict
from rtp.stores.event_view import EventView, Wanted
from rtp.stores.replay_source import ReplaySource
from tests.making import DAY, NOON, SECOND, user_key
from tests.worker.test_archive import PARTITIONS, Archive

EVER = Wanted(since=0)


class Watched(Archive):
    def __init__(self, client: redis.asyncio.Redis, folder: Path) -> None:
        super().__init__(client, folder)
        self.view = EventView(self.log, self.lake, ReplaySource(client, self.lake))

    async def seen(self, wanted: Wanted = EVER, count: int = 100) -> list[str]:
        return [each.event.message_id for each in await self.view.recent(wanted, count)]

    async def archived(self, *message_ids: str, fragment: str = "", **more: object) -> None:
        await self.send(*message_ids, **more)
        for partition in range(PARTITIONS):
            entries = await self.log.read(WORKER_GROUP, "w", partition, count=100, block_ms=0)
            await self.log.acknowledge(WORKER_GROUP, [Verdict(each, "applied", "c1", fragment) for each in entries])
        await self.archiver.flush()


@pytest.fixture
def watched(redis_client: redis.asyncio.Redis, tmp_path: Path) -> Watched:
    return Watched(redis_client, tmp_path)


async def test_archived_events_and_those_in_the_log_are_shown_once_in_order(watched: Watched) -> None:
    for number in range(3):
        await watched.archived(f"m{number}", received_at=NOON + number * DAY)
    await watched.send("m3", received_at=NOON + 3 * DAY)
    assert await watched.seen() == ["m0", "m1", "m2", "m3"]
    assert await watched.seen(count=2) == ["m2", "m3"]
    assert await watched.seen(Wanted(since=NOON + DAY)) == ["m1", "m2", "m3"]


async def test_only_a_type_or_a_name_whatever_its_case(watched: Watched) -> None:
    await watched.archived("m0", type="page", name="Home")
    await watched.archived("m1", name="Order Completed")
    await watched.send("m2", name="Order Completed")
    await watched.send("m3", type="page", name="Home")
    assert await watched.seen(Wanted(since=0, kind="page")) == ["m0", "m3"]
    assert await watched.seen(Wanted(since=0, kind="order completed")) == ["m1", "m2"]


async def test_only_a_customers_also_of_a_device_that_others_use(watched: Watched) -> None:
    device = user_key("m0")
    await watched.archived("m0", fragment=f"{device}.p1")
    await watched.archived("m0", fragment=f"{device}.p2", received_at=NOON + SECOND)
    await watched.send("m0", received_at=NOON + 2 * SECOND)
    await watched.send("m1")
    mine = Wanted(since=0, fragments=(f"{device}.p2",))
    (entry,) = await watched.view.recent(mine, 10)
    assert entry.event.received_at == NOON + SECOND
    assert len(await watched.view.recent(Wanted(since=0, fragments=(device,)), 10)) == 1


async def test_following_shows_what_comes(watched: Watched) -> None:
    await watched.send("m0", type="page")
    following = watched.view.follow(Wanted(since=0, kind="page"))
    first = asyncio.ensure_future(anext(following))
    while not first.done():
        await watched.send("m2")
        await watched.send("m3", type="page")
        await asyncio.wait([first], timeout=0.1)
    assert first.result().event.message_id == "m3"
    await following.aclose()  # type: ignore[attr-defined]
