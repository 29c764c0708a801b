"""Replay: the archive folded again and swapped in, on a real Redis beside a worker at work."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis.asyncio

from rtp.errors import Retryable
from rtp.identity.types import Identifier, IdentifierType
from rtp.profile import folding
from rtp.profile.effects import Effect
from rtp.profile.fragment import encode_state
from rtp.profile.store import Save
from rtp.signals.event import Event
from rtp.signals.log import WORKER_GROUP
from rtp.stores.fragments_aside import AsideFragments
from rtp.stores.replay_source import ReplaySource
from rtp.worker import rebuilding
from rtp.worker.rebuilding import Rebuilder, Rebuilt, Window
from tests.making import DAY, KEYS, NOON, SECOND, event, user_key
from tests.worker.test_archive import PARTITIONS, Archive
from tests.worker.test_processing import House

ALL = Window(tuple(range(PARTITIONS)))
U1 = KEYS.customer_id(Identifier(IdentifierType.USER_ID, "u1"))


class Retailer(Archive):
    """A worker, an archive and a replay on one Redis."""

    def __init__(self, client: redis.asyncio.Redis, folder: Path) -> None:
        super().__init__(client, folder)
        self.house = House(client)
        self.aside = AsideFragments(client, "run")
        projector = self.house.processor._projector
        self.rebuilder = Rebuilder(
            ReplaySource(client, self.lake), self.house.fragments, self.aside, projector.project, anonymous_ttl_days=90,
        )  # fmt: skip

    async def happen(self, *events: Event) -> None:
        """Events come and the worker folds them, in batches of its own."""
        await self.log.append([(user_key(each.user_id or ""), each) for each in events])
        await self.work()

    async def work(self, count: int = 7) -> None:
        for partition in range(PARTITIONS):
            while entries := await self.log.read(WORKER_GROUP, "w", partition, count=count, block_ms=0):
                await self.log.acknowledge(WORKER_GROUP, await self.house.processor.process(entries))

    async def states(self, *users: str) -> list[bytes]:
        fragments = await self.house.fragments.load([user_key(each) for each in users or ("u1",)])
        return [encode_state(each.state) for each in fragments]

    async def replay(self, window: Window = ALL, **options: Any) -> Rebuilt:
        return await self.rebuilder.run(window, **options)


@pytest.fixture
def retailer(redis_client: redis.asyncio.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Retailer:
    monkeypatch.setattr(rebuilding, "PAUSE_SECONDS", 0.0)
    return Retailer(redis_client, tmp_path)


@contextmanager
def a_broken_fold() -> Iterator[None]:
    """A fold that takes no notice of what was added to the cart."""
    real = folding.lift

    def lift(one: Event) -> Any:
        return real(event(one.message_id, "Nothing")) if one.name == "Product Added" else real(one)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "lift", lift)
        yield


def added(message_id: str, user: str = "u1", **more: Any) -> Event:
    properties = {"productId": f"p-{message_id}", "price": 3}
    return event(message_id, "Product Added", **({"user_id": user, "properties": properties} | more))


def shopping(seed: int, count: int = 60) -> list[Event]:
    """Whatever shoppers do, some of it sent twice, none of it in order."""
    rng = random.Random(seed)
    users = [f"u{number}" for number in range(5)]
    events = []
    for number in range(count):
        user, at = rng.choice(users), {"occurred_at": NOON - rng.randrange(3 * DAY // SECOND) * SECOND}
        name = rng.choice(["Product Viewed", "Product Added", "Order Completed", "Consent Changed"])
        properties = {
            "productId": f"p{rng.randrange(4)}", "price": 2, "orderId": f"o{rng.randrange(6)}",
            "purpose": "marketing", "channel": rng.choice(["email", "all"]),
            "status": rng.choice(["granted", "denied"]),
        }  # fmt: skip
        events.append(event(f"m{number}", name, user_id=user, properties=properties, **at))
    return events + rng.sample(events, count // 6)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_replay_finds_the_bytes_of_the_live_fragments(retailer: Retailer, seed: int) -> None:
    await retailer.happen(*shopping(seed))
    await retailer.archiver.flush()
    before = await retailer.states("u0", "u1", "u2", "u3", "u4")
    result = await retailer.replay()
    assert (result.fragments, result.same, result.events) == (5, 5, 70)
    assert await retailer.states("u0", "u1", "u2", "u3", "u4") == before


async def test_history_is_folded_anew_after_a_fold_was_mended(retailer: Retailer) -> None:
    with a_broken_fold():
        await retailer.happen(added("m1"), added("m2", occurred_at=NOON - SECOND), event("m3"))
        await retailer.archiver.flush()
    assert not retailer.house.online.customer(U1)["cart_products"]
    caused = (list(retailer.house.stock.calls), list(retailer.house.activate.calls))
    assert (await retailer.replay(dry_run=True)).changed == 1
    result = await retailer.replay()
    assert (result.changed, result.customers, result.complete) == (1, 1, True)
    assert sorted(retailer.house.online.customer(U1)["cart_products"]) == ["p-m1", "p-m2"]  # type: ignore[arg-type]
    assert (retailer.house.stock.calls, retailer.house.activate.calls) == caused, "nothing is done a second time"
    assert (await retailer.replay()).same == 1


async def test_what_is_folded_while_a_replay_runs_is_kept(retailer: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between rebuilding and swapping events come: some are archived by then, some are still in the log."""
    with a_broken_fold():
        await retailer.happen(added("m1"))
        await retailer.archiver.flush()
    load, calls = retailer.house.fragments.load, []

    async def meanwhile(names: Any, **options: Any) -> Any:
        monkeypatch.setattr(retailer.house.fragments, "load", load)
        await retailer.happen(added("m2"), event("m1"))
        await retailer.archiver.flush()
        await retailer.happen(added("m3"))
        calls.append(names)
        return await load(names, **options)

    monkeypatch.setattr(retailer.house.fragments, "load", meanwhile)
    result = await retailer.replay()
    assert (calls, result.changed) == ([[user_key()]], 1)
    (fragment,) = await load([user_key()])
    assert fragment.state.applied == 3
    assert sorted(retailer.house.online.customer(U1)["cart_products"]) == ["p-m1", "p-m2", "p-m3"]  # type: ignore[arg-type]
    assert (await retailer.replay()).same == 1


async def test_a_fragment_folded_between_comparing_and_swapping_is_compared_again(
    retailer: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_broken_fold():
        await retailer.happen(added("m1"))
        await retailer.archiver.flush()
    swap = retailer.aside.swap

    async def late(swaps: Any) -> list[bool]:
        monkeypatch.setattr(retailer.aside, "swap", swap)
        await retailer.happen(added("m2"))
        return await swap(swaps)

    monkeypatch.setattr(retailer.aside, "swap", late)
    result = await retailer.replay()
    assert (result.changed, result.busy) == (1, 0)
    assert (await retailer.house.fragments.load([user_key()]))[0].state.applied == 2


@pytest.mark.parametrize("step", ["keep", "read", "swap"])
async def test_a_killed_replay_leaves_the_live_state_untouched(
    retailer: Retailer, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_broken_fold():
        await retailer.happen(added("m1"))
        await retailer.archiver.flush()
    before = await retailer.client.hgetall(f"rtp:{{{user_key()}}}:f0")  # type: ignore[misc]

    async def die(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(retailer.aside, step, die)
        with pytest.raises(KeyboardInterrupt):
            await retailer.replay()
    assert await retailer.client.hgetall(f"rtp:{{{user_key()}}}:f0") == before  # type: ignore[misc]
    for key in await retailer.client.keys("*:aside:*"):
        assert 0 < await retailer.client.ttl(key) <= 3600
    assert (await retailer.replay()).changed == 1
    assert await retailer.client.keys("*:aside:*") == []


async def test_a_fragment_with_effects_to_carry_out_waits(retailer: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    await retailer.happen(event("m1"))
    await retailer.archiver.flush()
    retailer.house.activate.failures = [Retryable("not now")]
    with a_broken_fold():
        await retailer.log.append([(user_key(), added("m2"))])
        for partition in range(PARTITIONS):
            await retailer.house.processor.process(
                await retailer.log.read(WORKER_GROUP, "w", partition, count=9, block_ms=0)
            )
    result = await retailer.replay()
    assert (result.busy, result.complete) == (1, False)
    for partition in range(PARTITIONS):
        retailer.log.rewind(WORKER_GROUP, "w", partition)
    await retailer.work()
    assert (await retailer.replay()).changed == 1


async def test_effects_that_another_worker_has_yet_to_clear_are_waited_for(retailer: Retailer) -> None:
    """Their entries are acknowledged and archived; a new version would keep them from ever being cleared."""
    with a_broken_fold():
        await retailer.happen(added("m1"))
        await retailer.archiver.flush()
    fragments = retailer.house.fragments
    (before,) = await fragments.load([user_key()])
    owing = msgspec.structs.replace(before, pending=(Effect(effect_id="m1:activate:t", kind="activate"),))
    assert await fragments.save([Save(fragment_id=user_key(), before=before, after=owing)]) == [True]
    assert (await retailer.replay()).busy == 1
    await fragments.clear([(user_key(), before.version + 1)])
    assert (await retailer.replay()).changed == 1


async def test_a_replay_brings_nobody_back(retailer: Retailer) -> None:
    await retailer.happen(event("m1"))
    await retailer.archiver.flush()
    await retailer.client.delete(f"rtp:{{{user_key()}}}:f0")
    result = await retailer.replay()
    assert (result.gone, result.changed) == (1, 0)
    assert not await retailer.client.exists(f"rtp:{{{user_key()}}}:f0")


async def test_an_anonymous_shopper_who_came_back_after_being_forgotten_begins_anew(retailer: Retailer) -> None:
    device = KEYS.partition_key(Identifier(IdentifierType.ANONYMOUS_ID, "a1"))

    async def come(message_id: str) -> None:
        await retailer.log.append([(device, added(message_id, user_id=None, anonymous_id="a1"))])
        await retailer.work()
        await retailer.archiver.flush()

    retailer.rebuilder._ttl_ms = 20
    with a_broken_fold():
        await come("m1")
        await retailer.client.delete(f"rtp:{{{device}}}:f0")
        await asyncio.sleep(0.05)
        await come("m2")
    assert (await retailer.replay()).changed == 1
    (fragment,) = await retailer.house.fragments.load([device])
    assert fragment.state.applied == 1


async def test_a_fragment_of_which_the_archive_lacks_a_part_is_left_alone(retailer: Retailer) -> None:
    with a_broken_fold():
        await retailer.happen(added("m1"))
        await retailer.archiver.flush()
        for path in retailer.lake.archive("events").glob("*/*.parquet"):
            path.unlink()
        await retailer.happen(added("m2"))
        await retailer.archiver.flush()
    before = await retailer.states()
    result = await retailer.replay()
    assert (result.busy + result.differing, result.changed) == (1, 0)
    assert await retailer.states() == before


async def test_a_window_rebuilds_whole_histories_of_those_who_came_in_it(retailer: Retailer) -> None:
    later = {"received_at": NOON + DAY, "occurred_at": NOON + DAY}
    with a_broken_fold():
        await retailer.happen(added("m1"), added("m2", "u2"), added("m3", **later))
        await retailer.archiver.flush()
    result = await retailer.replay(Window(ALL.partitions, since=NOON + SECOND))
    assert (result.fragments, result.events, result.changed) == (1, 2, 1)
    assert (await retailer.replay(Window(ALL.partitions, until=NOON + SECOND))).changed == 1
    assert (await retailer.replay()).same == 2


async def test_of_two_replays_one_is_refused(retailer: Retailer) -> None:
    with ReplaySource(retailer.client, retailer.lake).alone(), pytest.raises(Retryable, match="Another replay"):
        await retailer.replay()
