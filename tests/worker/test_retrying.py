"""Rejected events put through again, on a real Redis and a lake in a temporary directory."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis.asyncio

from rtp import wiring
from rtp.clock import from_micros
from rtp.errors import NotFound, Rejected, Retryable
from rtp.identity.intake import Accepted, accept
from rtp.identity.normalize import DEFAULT_SPELLING
from rtp.identity.retrying import Mended
from rtp.identity.types import Identifier, IdentifierType
from rtp.profile import folding
from rtp.profile.effects import Effect
from rtp.profile.erasure import Subject
from rtp.settings import Settings
from rtp.signals.log import WORKER_GROUP, Accounting
from rtp.signals.mending import edited, parse_edit
from rtp.signals.parse import Arrival, parse_batch
from rtp.signals.rejection import Rejection
from rtp.stores.dead_letters import DeadLetters
from rtp.stores.erasure.redis_state import RecordStreams
from rtp.stores.record_stream import RedisRejectedLog
from rtp.worker.assemble import open_retrier
from rtp.worker.choosing import chosen, from_file, named
from rtp.worker.effects import FailedEffect
from rtp.worker.retrying import Retried, Retrier
from tests.fakes import Recorder, TickingClock
from tests.making import DAY, KEYS, NOON, SECOND, event, user_key
from tests.worker.test_archive import Archive
from tests.worker.test_processing import House

ARRIVAL = Arrival(received_at=NOON, source="till", type="track")
BAD = {"event": "Order Completed", "messageId": "m1", "timestamp": from_micros(NOON - 3 * SECOND)}
MENDING = parse_edit("userId=u1")


class Desk(Archive):
    """What an operator works with."""

    def __init__(self, client: redis.asyncio.Redis, folder: Path) -> None:
        super().__init__(client, folder)
        self.rejected = RedisRejectedLog(client)
        self.letters = DeadLetters(client, self.lake)
        self.stock = Recorder()
        self.clock = TickingClock(NOON + 10 * DAY)
        self.retrier = Retrier(
            self.letters, self.log, self.lake, keys=KEYS, spelling=DEFAULT_SPELLING,
            handlers={"stock": self.stock}, clock=self.clock,
        )  # fmt: skip

    async def reject(self, body: Any, arrival: Arrival = ARRIVAL) -> str:
        found = accept(msgspec.json.encode(body), arrival, KEYS)
        assert isinstance(found, Rejection)
        await self.rejected.append([found])
        return found.rejection_id

    async def retry(self, *names: str, edits: Any = (MENDING,)) -> Retried:
        found = await named(self.letters, names)
        return await self.retrier.retry([Mended(each.rejection, edited(each.body, edits)) for each in found])

    async def logged(self) -> list[Any]:
        return [each.event for part in range(2) for each in await self.log.tail(part, after="", count=100)]


@pytest.fixture
def desk(redis_client: redis.asyncio.Redis, tmp_path: Path) -> Desk:
    return Desk(redis_client, tmp_path)


@pytest.mark.parametrize("archived", [False, True])
async def test_a_mended_event_is_put_through_and_listed_no_more(desk: Desk, archived: bool) -> None:
    name = await desk.reject(BAD)
    if archived:
        await desk.archiver.flush()
    assert [(each.id, each.reason) for each in await desk.letters.waiting()] == [(name, "NO_IDENTITY")]
    assert await desk.retry(name) == Retried(put_through=1, counted_before=0, refused=())
    (put,) = await desk.logged()
    assert (put.user_id, put.message_id, put.source, put.name) == ("u1", "m1", "till", "Order Completed")
    for _ in range(2):
        assert (await desk.letters.waiting(), await desk.letters.counts()) == ([], [])
        await desk.archiver.flush()
    with pytest.raises(NotFound):
        await desk.retry(name)


async def test_it_happened_when_it_happened_and_is_filed_under_today(desk: Desk) -> None:
    arrival = Arrival(
        received_at=NOON, sent_at=from_micros(NOON + 50 * SECOND), type="track", context={"channel": "store"}
    )
    await desk.retry(await desk.reject(BAD, arrival))
    (put,) = await desk.logged()
    assert (put.occurred_at, put.channel) == (NOON - 53 * SECOND, "store")
    assert put.received_at >= NOON + 10 * DAY


async def test_a_crash_before_it_is_settled_counts_it_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    name = await desk.reject(BAD | {"messageId": None})

    async def die(_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(desk.letters, "settle", die)
        with pytest.raises(KeyboardInterrupt):
            await desk.retry(name)
    await desk.retry(name, edits=[MENDING, parse_edit("properties.note=again")])
    first, second = await desk.logged()
    assert first.message_id == second.message_id, "the fragment counts a message id once"


async def test_what_counted_days_ago_is_not_put_through(desk: Desk) -> None:
    name = await desk.reject(BAD)
    await desk.log.append([(user_key(), event("m1", "Order Completed"))])
    await desk.work()
    await desk.archiver.flush()
    before = len(await desk.logged())
    assert await desk.retry(name) == Retried(put_through=0, counted_before=1, refused=())
    assert len(await desk.logged()) == before
    assert await desk.letters.waiting() == []


async def test_what_is_still_wrong_stays_listed_and_stops_no_other(desk: Desk) -> None:
    good, bad = await desk.reject(BAD), await desk.reject({"event": 7})
    found = await desk.retry(good, bad)
    assert (found.put_through, [(each.id, each.reason) for each in found.refused]) == (1, [(bad, "BAD_FIELD")])
    assert [each.id for each in await desk.letters.waiting()] == [bad]


async def test_a_body_that_was_no_batch_is_put_through_as_one(desk: Desk) -> None:
    rejection = parse_batch(b'{"batch": [', Arrival(received_at=NOON))
    assert isinstance(rejection, Rejection)
    await desk.rejected.append([rejection])
    sent = from_micros(NOON + SECOND)
    items = [{"type": "page", "userId": "u1", "messageId": f"m{n}", "timestamp": from_micros(NOON)} for n in range(2)]
    line = {"id": rejection.rejection_id, "body": {"batch": items, "sentAt": sent}}
    mended = await from_file(desk.letters, msgspec.json.encode(line))
    assert (await desk.retrier.retry(mended)).put_through == 1
    assert [(each.message_id, each.occurred_at) for each in await desk.logged()] == [
        ("m0", NOON - SECOND), ("m1", NOON - SECOND),
    ]  # fmt: skip


async def test_one_rejected_twice_by_a_crash_is_one(desk: Desk) -> None:
    first = await desk.reject(BAD)
    assert await desk.reject(BAD) == first
    assert await desk.rejected.count() == 1
    await desk.archiver.flush()
    await desk.client.delete("rtp:{rejected}:ids")
    await desk.reject(BAD)
    assert [(each.count, each.reason) for each in await desk.letters.counts()] == [(1, "NO_IDENTITY")]
    await desk.archiver.flush()
    assert [each.id for each in await desk.letters.waiting()] == [first]


async def test_a_flood_of_rejected_events_waits_for_the_archive(desk: Desk) -> None:
    narrow = RedisRejectedLog(desk.client, max_entries=3)
    flood = [Rejection(reason="NOT_JSON", message="No.", body=b"%d" % number) for number in range(4)]
    for each in flood[:3]:
        await narrow.append([each])
    with pytest.raises(Retryable, match="archive"):
        await narrow.append(flood[3:])
    await desk.archiver.flush()
    await narrow.append(flood[3:])
    assert len(await desk.letters.waiting()) == 4


async def test_a_failed_effect_is_carried_out_and_stays_while_it_fails(desk: Desk) -> None:
    effect = Effect(effect_id="m1:stock", kind="stock", payload={"a": 1})
    body = msgspec.json.encode(FailedEffect("c1", effect))
    failed = Rejection(reason="EFFECT_FAILED", message="No.", body=body, call="effect", key=effect.effect_id)
    await desk.rejected.append([failed])
    desk.stock.failures = [Rejected("Still no.", reason="UNKNOWN")]
    assert [each.message for each in (await desk.retry(failed.rejection_id, edits=())).refused] == ["Still no."]
    assert (await desk.retry(failed.rejection_id, edits=())).put_through == 1
    assert desk.stock.calls[-1] == ("c1", [effect])
    assert await desk.letters.waiting() == []


async def test_the_list_says_nothing_that_was_sent(desk: Desk) -> None:
    await desk.reject(BAD | {"traits": {"firstName": "Zoe"}})
    await desk.archiver.flush()
    await desk.reject(BAD | {"traits": {"firstName": "Zoe", "age": 7}})
    text = msgspec.json.encode([await desk.letters.waiting(), await desk.letters.counts()])
    assert b"Zoe" not in text
    assert b"track" in text


async def test_those_of_a_reason_are_chosen_oldest_first(desk: Desk) -> None:
    names = [await desk.reject(BAD, msgspec.structs.replace(ARRIVAL, received_at=NOON + n)) for n in range(3)]
    await desk.reject({"event": 7})
    found = await chosen(desk.letters, [], "NO_IDENTITY")
    assert [each.rejection.rejection_id for each in found] == names
    assert isinstance(accept(edited(found[0].body, [MENDING]), ARRIVAL, KEYS), Accepted)


async def test_what_could_not_be_folded_counts_once_the_fold_is_mended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order of a till, rejected by the worker: its own time, its own message id, its stock moved once."""
    house = House(desk.client)
    sent = event("m1", "Order Completed", properties={"orderId": "o1"}, context={"storeId": "s1"}, gpc=True)

    async def work() -> list[str]:
        found = [await desk.log.read(WORKER_GROUP, "w", each, count=9, block_ms=0) for each in range(2)]
        verdicts = await house.processor.process([entry for some in found for entry in some])
        await desk.log.acknowledge(WORKER_GROUP, verdicts)
        return [each.counted for each in verdicts]

    await desk.log.append([(user_key(), sent)])
    with monkeypatch.context() as patch:
        patch.setattr(folding, "lift", lambda _: 1 / 0)
        assert await work() == ["rejected"]
    (waiting,) = await desk.letters.waiting()
    assert (waiting.reason, waiting.type) == ("FOLD_FAILED", "track")
    assert (await desk.retry(waiting.id, edits=())).put_through == 1
    assert await work() == ["applied"]
    (again,) = [each for each in await desk.logged() if each.received_at > NOON]
    assert msgspec.structs.replace(again, received_at=NOON) == sent
    assert house.stock.effect_ids == ["m1:stock"]
    assert await desk.letters.waiting() == []


async def test_erasure_finds_what_was_sent_in_a_rejected_event(desk: Desk) -> None:
    await desk.reject(BAD | {"properties": {"note": "ask zoe@shop.example"}})
    await desk.reject(BAD | {"messageId": "m2"})
    subject = Subject(identifiers=frozenset({Identifier(IdentifierType.EMAIL, "zoe@shop.example")}))
    assert await RecordStreams(desk.client, ["rejected"]).erase(subject) == 1
    assert len(await desk.letters.waiting()) == 1


async def test_nobody_who_was_erased_comes_back_by_a_retry(desk: Desk, settings: Settings, redis_url: str) -> None:
    await desk.reject(BAD)
    at_shop = msgspec.structs.replace(settings, redis_url=redis_url)
    gone = wiring.keyed_hash(at_shop).suppression(Identifier(IdentifierType.USER_ID, "u1"))
    await wiring.suppression(desk.client).add([gone])
    found = await chosen(desk.letters, [], None)
    retrier = open_retrier(at_shop, desk.client)
    await retrier.retry([Mended(each.rejection, edited(each.body, [MENDING])) for each in found])
    assert await wiring.event_log(at_shop, desk.client).accounting() == Accounting()
