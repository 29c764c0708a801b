"""From an effect to the receiver: decided once, consent asked twice, delivered at least once, never for ever."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from rtp.activation.destinations import Destination
from rtp.activation.handler import ActivationHandler
from rtp.activation.outbox import ActivationRecord, OutboxRow
from rtp.activation.sender import LEASE_SECONDS, Sender
from rtp.activation.triggers import Trigger, activation_id
from rtp.clock import from_micros, system_clock
from rtp.decisioning.decision import Action, DecideRequest, Decision, Fulfilment
from rtp.errors import Rejected, Retryable
from rtp.identity.types import Customer, Identifier, IdentifierType
from rtp.inventory.stock import Movement
from rtp.profile.consent import Consent, Grant
from rtp.profile.effects import Effect
from rtp.stores.outbox_redis import RedisOutbox
from rtp.stores.record_stream import RecordStream
from rtp.stores.stock_redis import RedisStock
from tests.activation.conftest import SECRET, Endpoint
from tests.conftest import free_port
from tests.making import NOON, SECOND

TRIGGER = Trigger(
    id="t1", event="Product Added", channel="push", destination="d", cooldown_seconds=1800, ttl_seconds=900
)
GRANTED = Consent({"marketing/push": Grant("granted", NOON)})


class World:
    """Everything around the handler and the sender; each value may be changed by a test."""

    def __init__(self, client: Redis, url: str) -> None:
        self.client = client
        self.now = NOON
        self.consent = GRANTED
        self.asked: list[DecideRequest] = []
        self.actions = [
            Action(action_id="product:1", kind="product", position=1, score=1.0, expected_value=1.0, propensity=1.0)
        ]
        self.refuse: Exception | None = None
        self.outbox = RedisOutbox(client)
        self.stock = RedisStock(client, freshness=3600 * SECOND)
        self.records = RecordStream(client, "activations")
        destination = Destination(
            name="d", url=url, secret=SECRET, timeout_seconds=5.0, identifiers=(IdentifierType.USER_ID,)
        )
        self.sender = self.sender_to(destination)
        self.handler = ActivationHandler(
            {"t1": TRIGGER},
            decider=self,
            consent_of=self.consent_of,
            outbox=self.outbox,
            records=self.records,
            clock=self.clock,
            wake=self.sender.wake,
        )

    def sender_to(self, destination: Destination) -> Sender:
        return Sender(
            {"d": destination},
            outbox=self.outbox,
            records=self.records,
            consent_of=self.consent_of,
            stock=self.stock,
            graph=self,  # type: ignore[arg-type]
            clock=self.clock,
        )

    def clock(self) -> datetime:
        # Receivers refuse old signatures: the test's time starts now.
        return from_micros(self.now - NOON + START)

    async def consent_of(self, customer_id: str) -> Consent:
        return self.consent

    async def customer(self, customer_id: str) -> Customer:
        found = (Identifier(IdentifierType.USER_ID, "u1"), Identifier(IdentifierType.EMAIL, "a@b.test"))
        return Customer(customer_id=customer_id, identifiers=found)

    async def decide(self, request: DecideRequest, *, trigger_id: str | None = None) -> Decision:
        self.asked.append(request)
        if self.refuse:
            raise self.refuse
        return Decision(
            decision_id=f"dec{len(self.asked)}",
            moment_id="mom",
            customer_id=request.customer.customer_id,
            channel=request.channel,
            placement=request.placement,
            fallback=False,
            actions=self.actions,
        )

    async def cause(self, message_id: str = "m1", trigger_id: str = "t1") -> None:
        payload = {"trigger_id": trigger_id, "caused_at": START, "store_id": "s1", "product_id": "p7"}
        effect = Effect(effect_id=f"{message_id}:activate:{trigger_id}", kind="activate", payload=payload)
        await self.handler("c1", [effect])

    async def written(self) -> list[tuple[str, str, int]]:
        entries = await self.client.xrange("rtp:{activations}")
        found = [msgspec.json.decode(fields[b"d"], type=ActivationRecord) for _, fields in entries]
        return [(each.status, each.reason, each.attempts) for each in found]


START = int(system_clock().timestamp()) * SECOND


@pytest.fixture
def world(redis_client: Redis, endpoint: Endpoint) -> World:
    return World(redis_client, endpoint.url)


async def test_the_receiver_gets_the_decision_once_signed_and_named(world: World, endpoint: Endpoint) -> None:
    await world.cause()
    await world.cause()
    assert await world.sender.send_due() == 1
    assert await world.sender.send_due() == 0
    ((webhook_id, payload),) = endpoint.received
    assert webhook_id == activation_id("m1:activate:t1")
    data: dict[str, Any] = payload["data"]
    assert (data["decisionId"], data["customerId"], data["userId"], data["channel"]) == ("dec1", "c1", "u1", "push")
    assert "email" not in data
    assert data["actions"][0]["actionId"] == "product:1"
    assert world.asked[0].context.product_id == "p7"
    assert await world.written() == [("delivered", "", 1)]
    assert await world.outbox.depth() == 0


async def test_a_cooldown_lets_one_through_and_records_the_other(world: World, endpoint: Endpoint) -> None:
    await world.cause("m1")
    await world.cause("m2")
    await world.sender.send_due()
    assert len(endpoint.received) == 1
    assert await world.written() == [("dropped", "COOLDOWN", 0), ("delivered", "", 1)]


async def test_without_consent_nothing_is_decided(world: World) -> None:
    world.consent = Consent()
    await world.cause()
    assert world.asked == []
    assert await world.written() == [("dropped", "NO_CONSENT", 0)]


async def test_consent_withdrawn_between_decision_and_sending_stops_it(world: World, endpoint: Endpoint) -> None:
    await world.cause()
    world.consent = Consent({"marketing/push": Grant("denied", NOON + 1)})
    await world.sender.send_due()
    assert endpoint.received == []
    assert await world.written() == [("dropped", "NO_CONSENT", 0)]
    assert await world.outbox.depth() == 0


def promised(product_id: str) -> Action:
    there = Fulfilment(method="pickup", store_id="s1", available=9, as_of="2026-01-01T12:00:00Z")
    return Action(
        action_id=f"product:{product_id}", kind="product", position=1, score=1.0, expected_value=1.0, propensity=1.0,
        product_id=product_id, fulfilment=there,
    )  # fmt: skip


def counted(product_id: str, quantity: int, at: int) -> Movement:
    return Movement(
        movement_id=f"{product_id}:{at}", store_id="s1", product_id=product_id, kind="count", quantity=quantity,
        occurred_at=at,
    )  # fmt: skip


async def test_what_sold_out_between_two_attempts_is_not_promised_any_more(world: World, endpoint: Endpoint) -> None:
    endpoint.answers = [(500, {})]
    world.actions = [promised("p1")]
    await world.stock.apply([counted("p1", 4, START)])
    await world.cause()
    await world.sender.send_due()
    assert endpoint.received[0][1]["data"]["actions"][0]["fulfilment"]["available"] == 4
    world.now += 5 * SECOND
    await world.stock.apply([counted("p1", 0, START + SECOND)])
    await world.sender.send_due()
    assert len(endpoint.received) == 1
    assert await world.written() == [("dropped", "OUT_OF_STOCK", 1)]
    assert await world.outbox.depth() == 0


async def test_of_several_promises_only_those_that_hold_are_sent(world: World, endpoint: Endpoint) -> None:
    world.actions = [promised("p1"), promised("p2"), promised("never counted")]
    await world.stock.apply([counted("p1", 0, START), counted("p2", 1, START)])
    await world.cause()
    await world.sender.send_due()
    actions = endpoint.received[0][1]["data"]["actions"]
    assert [action["actionId"] for action in actions] == ["product:p2"]
    assert await world.written() == [("delivered", "", 1)]


async def test_a_promise_from_stock_last_heard_of_too_long_ago_is_dropped(world: World, endpoint: Endpoint) -> None:
    world.actions = [promised("p1")]
    await world.stock.apply([counted("p1", 4, START - 3601 * SECOND)])
    await world.cause()
    await world.sender.send_due()
    assert endpoint.received == []
    assert await world.written() == [("dropped", "STOCK_STALE", 0)]


async def test_nothing_to_say_is_not_sent_and_takes_no_cooldown(world: World) -> None:
    world.actions, actions = [], world.actions
    await world.cause("m1")
    assert await world.written() == [("dropped", "NO_ACTION", 0)]
    world.actions = actions
    await world.cause("m2")
    assert await world.outbox.depth() == 1


async def test_a_refused_decision_is_recorded_and_an_outage_is_passed_on(world: World) -> None:
    world.refuse = Rejected("no", reason="X")
    await world.cause("m1")
    assert await world.written() == [("dropped", "REFUSED", 0)]
    world.refuse = Retryable("later")
    with pytest.raises(Retryable):
        await world.cause("m2")


async def test_a_failure_is_retried_on_schedule_under_the_same_id(world: World, endpoint: Endpoint) -> None:
    endpoint.answers = [(500, {}), (503, {"retry-after": "60"}), (200, {})]
    await world.cause()
    await world.sender.send_due()
    world.now += 4 * SECOND
    assert await world.sender.send_due() == 0
    world.now += 1 * SECOND
    assert await world.sender.send_due() == 1
    world.now += 299 * SECOND
    assert await world.sender.send_due() == 0
    world.now += 1 * SECOND
    assert await world.sender.send_due() == 1
    assert len({webhook_id for webhook_id, _ in endpoint.received}) == 1
    assert await world.written() == [("delivered", "", 3)]


async def test_the_receiver_may_ask_for_a_longer_pause(world: World, endpoint: Endpoint) -> None:
    endpoint.answers = [(429, {"retry-after": "60"})]
    await world.cause()
    await world.sender.send_due()
    world.now += 59 * SECOND
    assert await world.sender.send_due() == 0
    world.now += 1 * SECOND
    assert await world.sender.send_due() == 1


async def test_what_cannot_be_delivered_in_its_time_ends_among_the_dead_letters(
    world: World, endpoint: Endpoint
) -> None:
    endpoint.answers = [(500, {})] * 3
    await world.cause()
    for _ in range(3):
        await world.sender.send_due()
        world.now += 300 * SECOND
    assert await world.written() == [("failed", "NOT_DELIVERED", 3)]
    ((letter, reason),) = await world.outbox.dead()
    row = msgspec.json.decode(letter, type=OutboxRow)
    assert (row.trigger_id, row.attempts, reason) == ("t1", 3, "NOT_DELIVERED")
    assert await world.outbox.depth() == 0


async def test_a_row_that_waited_too_long_is_not_sent_late(world: World, endpoint: Endpoint) -> None:
    await world.cause()
    world.now += 900 * SECOND
    await world.sender.send_due()
    assert endpoint.received == []
    assert await world.written() == [("dropped", "EXPIRED", 0)]


async def test_a_row_that_cannot_be_read_is_set_aside_and_stops_nothing(world: World, endpoint: Endpoint) -> None:
    await world.client.hset("rtp:{outbox}:rows", "act_x", "{}")
    await world.client.zadd("rtp:{outbox}:due", {"act_x": 0})
    await world.cause()
    assert await world.sender.send_due() == 1
    assert await world.outbox.dead() == [(b"{}", "UNREADABLE")]
    assert await world.outbox.depth() == 0


async def test_410_stops_the_destination(world: World, endpoint: Endpoint) -> None:
    endpoint.answers = [(410, {})]
    await world.cause("m1")
    await world.sender.send_due()
    await world.client.delete(*[key async for key in world.client.scan_iter("*cooldown*")])
    await world.cause("m2")
    await world.sender.send_due()
    assert len(endpoint.received) == 1
    assert await world.written() == [("failed", "GONE", 1), ("dropped", "DESTINATION_STOPPED", 0)]


async def test_a_row_whose_sender_died_is_sent_again_after_its_lease(world: World, endpoint: Endpoint) -> None:
    await world.cause()
    now = int(world.clock().timestamp() * 1e6)
    (row,) = await world.outbox.claim(now=now, lease_seconds=LEASE_SECONDS, count=10)
    assert await world.sender.send_due() == 0
    world.now += int(LEASE_SECONDS * SECOND)
    assert await world.sender.send_due() == 1
    assert endpoint.received[0][0] == row.activation_id


async def test_a_running_sender_sends_at_once_and_ends_when_told(world: World, endpoint: Endpoint) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(world.sender.run(stop))
    await world.cause()
    async with asyncio.timeout(10):
        while not await world.written():  # noqa: ASYNC110 - the other side is a stream in Redis
            await asyncio.sleep(0.01)
    stop.set()
    world.sender.wake()
    await running
    assert len(endpoint.received) == 1


async def test_nobody_listening_leaves_the_row_for_later(world: World) -> None:
    nowhere = Destination(
        name="d", url=f"http://127.0.0.1:{free_port()}/", secret=SECRET, timeout_seconds=1.0, identifiers=()
    )
    await world.cause()
    await world.sender_to(nowhere).send_due()
    assert await world.outbox.depth() == 1
    assert await world.written() == []


async def test_a_trigger_that_is_no_longer_declared_is_passed_over(world: World) -> None:
    await world.cause(trigger_id="gone")
    assert world.asked == []
    assert await world.written() == []


async def test_what_a_page_shows_when_nothing_is_left_is_no_reason_to_write_to_somebody(world: World) -> None:
    world.actions = [
        Action(action_id="content:help", kind="content", position=1, score=0.0, expected_value=0.0, propensity=1.0)
    ]
    await world.cause()
    assert await world.written() == [("dropped", "NO_ACTION", 0)]


async def test_an_outbox_that_cannot_be_read_is_told_once_and_asked_ever_more_seldom(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop, waits = asyncio.Event(), []

    async def away(**_: Any) -> list[OutboxRow]:
        raise Retryable("Redis did not answer.")

    async def waited(waiting: Any, seconds: float) -> None:
        waiting.close()
        waits.append(seconds)
        if len(waits) == 8:
            stop.set()
        raise TimeoutError

    monkeypatch.setattr(world.outbox, "claim", away)
    monkeypatch.setattr("rtp.activation.sender.asyncio.wait_for", waited)
    await world.sender.run(stop)
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
