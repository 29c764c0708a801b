"""From log entries to verdicts, on a real Redis."""

import asyncio
from typing import Any

import msgspec
import pytest
import redis.asyncio

from rtp.errors import Rejected, Retryable
from rtp.identity.normalize import Spelling
from rtp.identity.types import Identifier, IdentifierType
from rtp.profile.effects import Effect, TriggerRule
from rtp.profile.fragment import encode_state
from rtp.profile.projector import Projector
from rtp.signals.event import Event, LogEntry
from rtp.stores.fragments_redis import RedisFragments, RedisOrderClaims
from rtp.stores.identity_redis import RedisIdentityGraph
from rtp.stores.record_stream import RedisRejectedLog
from rtp.worker.effects import EffectDrain
from rtp.worker.processing import Processor, ProcessorSettings
from tests.fakes import FakeOnlineStore, Recorder, TickingClock
from tests.making import KEYS, NOON, SECOND, event, keeps_out, user_key

ERASED = Identifier(IdentifierType.EMAIL, "erased@example.com")
U1 = KEYS.customer_id(Identifier(IdentifierType.USER_ID, "u1"))


def triggered(event: Event, features: Any) -> list[Effect]:
    return [
        Effect(
            effect_id=f"{event.message_id}:activate:t", kind="activate", payload={"adds": features["product_adds_24h"]}
        )
    ]


class House:
    """A processor on a real Redis, with handlers that record."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.clock = TickingClock(NOON)
        self.graph = RedisIdentityGraph(client, KEYS)
        self.fragments = RedisFragments(client)
        self.rejected = RedisRejectedLog(client)
        self.online = FakeOnlineStore()
        self.stock, self.activate = Recorder(), Recorder()
        handlers = {"stock": self.stock, "activate": self.activate}
        self.processor = Processor(
            graph=self.graph,
            fragments=self.fragments,
            orders=RedisOrderClaims(client),
            projector=Projector(self.graph, self.fragments, self.online, self.clock),
            drain=EffectDrain(handlers, self.rejected, self.clock),  # type: ignore[arg-type]
            rejected=self.rejected,
            rule=TriggerRule(frozenset({"Product Added"}), triggered),
            settings=ProcessorSettings(Spelling(), anonymous_ttl_days=90),
            suppressed=keeps_out(ERASED),
            clock=self.clock,
        )

    async def counted(self, *entries: LogEntry) -> list[str]:
        return [each.counted for each in await self.processor.process(entries)]


@pytest.fixture
def house(redis_client: redis.asyncio.Redis) -> House:
    return House(redis_client)


def entry(number: int, one: Event, key: str = "") -> LogEntry:
    return LogEntry(0, f"{NOON // 1000 + number}-0", key or user_key(), one)


def order(message_id: str, order_id: str, store: str | None = "s1", **more: Any) -> Event:
    products = [{"productId": "p1", "quantity": 2, "price": 3}, {"productId": "p1", "quantity": 1, "price": 3}]
    context = {"storeId": store} if store else {}
    return event(
        message_id, "Order Completed", properties={"orderId": order_id, "products": products}, context=context, **more
    )


async def test_events_become_features_and_verdicts_name_the_customer(house: House) -> None:
    verdicts = await house.processor.process([entry(1, event("m1")), entry(2, event("m2"))])
    assert [(each.counted, each.customer_id) for each in verdicts] == [("applied", U1), ("applied", U1)]
    assert house.online.customer(U1)["product_views_24h"] == 2


async def test_a_message_sent_twice_counts_once(house: House) -> None:
    assert await house.counted(entry(1, event("m1")), entry(2, event("m1"))) == ["applied", "duplicate"]
    assert await house.counted(entry(3, event("m1"))) == ["duplicate"]
    assert house.online.customer(U1)["product_views_24h"] == 1


async def test_an_entry_delivered_again_changes_nothing_and_keeps_its_verdict(house: House) -> None:
    entries = [entry(1, event("m1")), entry(2, event("m1")), entry(3, event("m2"))]
    first = await house.counted(*entries)
    before = await house.fragments.load([user_key()])
    assert await house.counted(*entries) == first == ["applied", "duplicate", "applied"]
    assert await house.fragments.load([user_key()]) == before


async def test_an_order_counts_once_whoever_reports_it(house: House) -> None:
    till = order("m2", "o1", user_id=None, traits={"loyaltyId": "L1"})
    key = KEYS.partition_key(Identifier(IdentifierType.LOYALTY_ID, "L1"))
    assert await house.counted(entry(1, order("m1", "o1"))) == ["applied"]
    assert await house.counted(entry(2, till, key)) == ["duplicate"]
    assert await house.counted(entry(1, order("m1", "o1"))) == ["applied"]
    assert house.stock.effect_ids == ["m1:stock"]


async def test_entries_of_two_partitions_may_have_one_position(house: House) -> None:
    """A stream counts its milliseconds for itself: what is found out of an entry is about its partition's."""
    assert await house.counted(entry(1, order("m1", "o1"))) == ["applied"]
    again, fresh = entry(2, order("m2", "o1")), entry(2, event("m3", user_id="u2"), user_key("u2"))
    verdicts = await house.processor.process([again, msgspec.structs.replace(fresh, partition=1)])
    assert {each.entry.event.message_id: each.counted for each in verdicts} == {"m2": "duplicate", "m3": "applied"}


async def test_an_order_in_a_store_commits_its_stock(house: House) -> None:
    await house.counted(entry(1, order("m1", "o1")), entry(2, order("m2", "o2", store=None)))
    ((_, (effect,)),) = house.stock.calls
    assert effect.payload == {"order_id": "o1", "store_id": "s1", "quantities": {"p1": 3}, "placed_at": NOON}


async def test_triggers_see_the_features_after_the_event(house: House) -> None:
    await house.counted(entry(1, event("m1", "Product Added", properties={"productId": "p1"})))
    ((customer, (effect,)),) = house.activate.calls
    assert (customer, effect.payload) == (U1, {"adds": 1})


async def test_triggers_see_what_the_shopper_did_elsewhere(house: House) -> None:
    """Additions on the device, before the login, are additions of the customer."""
    device = KEYS.partition_key(Identifier(IdentifierType.ANONYMOUS_ID, "a1"))
    added = {"properties": {"productId": "p1"}}
    await house.counted(entry(1, event("m1", "Product Added", user_id=None, anonymous_id="a1", **added), device))
    await house.counted(entry(2, event("m2", anonymous_id="a1")))
    await house.counted(entry(3, event("m3", "Product Added", anonymous_id="a1", **added)))
    assert [effect.payload for _, (effect,) in house.activate.calls] == [{"adds": 1}, {"adds": 2}]


async def test_effects_that_failed_are_carried_out_when_the_entry_comes_again(house: House) -> None:
    """The fold is stored, its effects are not done: acknowledging now would lose them."""
    house.activate.failures = [Retryable("not now")]
    added = entry(1, event("m1", "Product Added", properties={"productId": "p1"}))
    assert await house.counted(added) == []
    assert house.activate.calls == []
    assert await house.counted(added) == ["applied"]
    assert house.activate.effect_ids == ["m1:activate:t"]
    assert (await house.fragments.load([user_key()]))[0].pending == ()


async def test_one_customers_failing_effects_hold_up_nobody_else(house: House) -> None:
    house.activate.failures = [Retryable("not now")]
    other = entry(2, event("m2", user_id="u2"), user_key("u2"))
    verdicts = await house.processor.process([entry(1, event("m1", "Product Added")), other])
    assert [each.entry.event.message_id for each in verdicts] == ["m2"]


async def test_an_effect_that_can_never_succeed_is_kept_with_its_reason(house: House) -> None:
    house.activate.failures = [Rejected("No such destination.", reason="UNKNOWN")]
    assert await house.counted(entry(1, event("m1", "Product Added"))) == ["applied"]
    assert await house.rejected.count() == 1


async def test_an_event_that_cannot_be_folded_is_kept_and_harms_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rtp.profile import folding

    def lift(one: Event) -> dict[str, Any]:
        if one.message_id == "bad":
            raise ZeroDivisionError
        return real(one)

    real = folding.lift
    monkeypatch.setattr(folding, "lift", lift)
    entries = [entry(1, event("bad")), entry(2, event("m2"))]
    assert await house.counted(*entries) == ["rejected", "applied"]
    assert await house.rejected.count() == 1


async def test_a_login_brings_what_the_device_did_before(house: House) -> None:
    device = KEYS.partition_key(Identifier(IdentifierType.ANONYMOUS_ID, "a1"))
    await house.counted(entry(1, event("m1", user_id=None, anonymous_id="a1"), device))
    login = Event(
        message_id="m2", type="identify", name="", occurred_at=NOON, received_at=NOON, user_id="u1", anonymous_id="a1"
    )
    await house.counted(entry(2, login))
    assert house.online.customer(U1)["product_views_24h"] == 1
    stranger = KEYS.customer_id(Identifier(IdentifierType.ANONYMOUS_ID, "a1"))
    assert house.online.customer(stranger)["product_views_24h"] is None, "nobody may read the old customer's row"


async def test_on_a_shared_device_the_next_user_does_not_inherit(house: House) -> None:
    device = KEYS.partition_key(Identifier(IdentifierType.ANONYMOUS_ID, "a1"))
    u2 = KEYS.customer_id(Identifier(IdentifierType.USER_ID, "u2"))
    seen = event("m1", user_id=None, anonymous_id="a1")
    await house.counted(entry(1, event("l1", "Signed In", anonymous_id="a1")))
    await house.counted(entry(2, seen, device))
    later = {"occurred_at": NOON + SECOND, "received_at": NOON + SECOND}
    await house.counted(entry(3, event("l2", "Signed In", user_id="u2", anonymous_id="a1", **later), user_key("u2")))
    await house.counted(entry(4, event("m2", user_id=None, anonymous_id="a1", **later), device))
    await house.counted(entry(2, seen, device))
    assert house.online.customer(U1)["product_views_24h"] == 1
    assert house.online.customer(u2)["product_views_24h"] == 0
    own = KEYS.shared_id(Identifier(IdentifierType.ANONYMOUS_ID, "a1"))
    assert house.online.customer(own)["product_views_24h"] == 1


async def test_on_a_shared_tablet_what_a_loyalty_card_was_shown_for_is_its_owners(house: House) -> None:
    tablet = KEYS.partition_key(Identifier(IdentifierType.ANONYMOUS_ID, "tablet"))
    cards = ["L1", "L2", "L1", "L2", "L3"]
    for number, card in enumerate(cards):
        seen = event(f"m{number}", user_id=None, anonymous_id="tablet", traits={"loyaltyId": card})
        await house.counted(entry(number, seen, tablet))
    await house.counted(entry(9, event("m9", user_id=None, anonymous_id="tablet"), tablet))
    owners = [KEYS.customer_id(Identifier(IdentifierType.LOYALTY_ID, card)) for card in ("L1", "L2", "L3")]
    assert [house.online.customer(each)["product_views_24h"] for each in owners] == [2, 2, 1]
    own = KEYS.shared_id(Identifier(IdentifierType.ANONYMOUS_ID, "tablet"))
    assert house.online.customer(own)["product_views_24h"] == 1


async def test_two_workers_on_one_fragment_lose_and_double_nothing(redis_client: redis.asyncio.Redis) -> None:
    houses = [House(redis_client), House(redis_client)]
    entries = [entry(number, event(f"m{number}")) for number in range(60)]

    async def work(start: int) -> None:
        for first in range(start, 60, 12):
            await houses[start // 6].processor.process(entries[first : first + 6])

    await asyncio.gather(work(0), *(work(6) for _ in range(2)))
    (fragment,) = await houses[0].fragments.load([user_key()])
    assert fragment.state.applied == 60


async def test_replaying_in_log_order_gives_identical_bytes(house: House, redis_client: redis.asyncio.Redis) -> None:
    entries = [
        entry(number, event(f"m{number % 9}", "Product Added", occurred_at=NOON - number * SECOND,
                            properties={"productId": f"p{number % 4}", "price": number}))
        for number in range(30)
    ]  # fmt: skip
    for start in range(0, 30, 7):
        await house.processor.process(entries[start : start + 7])
    (live,) = await house.fragments.load([user_key()])
    await redis_client.flushall()
    for each in entries:
        await house.processor.process([each])
    (replayed,) = await house.fragments.load([user_key()])
    assert encode_state(live.state) == encode_state(replayed.state)
    assert msgspec.structs.replace(live, version=0, pending=()) == msgspec.structs.replace(
        replayed, version=0, pending=()
    )


async def test_an_anonymous_fragment_expires_and_a_known_one_does_not(
    house: House, redis_client: redis.asyncio.Redis
) -> None:
    device = KEYS.partition_key(Identifier(IdentifierType.ANONYMOUS_ID, "a1"))
    await house.counted(entry(1, event("m1", user_id=None, anonymous_id="a1"), device), entry(2, event("m2")))
    assert 89 * 86_400 < await redis_client.ttl(f"rtp:{{{device}}}:f0") <= 90 * 86_400
    assert await redis_client.ttl(f"rtp:{{{user_key()}}}:f0") == -1


async def test_an_event_whose_rejection_was_stored_before_a_crash_is_rejected_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rtp.profile import folding

    monkeypatch.setattr(folding, "lift", lambda _: 1 / 0)
    for _ in range(2):
        assert await house.counted(entry(1, event("bad"))) == ["rejected"]
    assert await house.rejected.count() == 1


async def test_an_event_of_somebody_who_was_erased_leaves_no_trace(
    house: House, redis_client: redis.asyncio.Redis
) -> None:
    before = await redis_client.keys()
    late = event("m1", anonymous_id="a1", traits={"email": "Erased@example.com"})
    assert await house.counted(entry(1, late)) == ["rejected"]
    assert await redis_client.keys() == before
    assert not house.activate.calls
