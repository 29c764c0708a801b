"""Carries the outbox to its destinations: at least once on the wire, each message under one stable id."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx
import msgspec

from rtp.activation.destinations import Destination
from rtp.activation.handler import ConsentOf, worth_a_message
from rtp.activation.outbox import ActivationRecord, DropReason, Outbox, OutboxRow, RecordLog
from rtp.activation.promises import StockReader, still_kept
from rtp.activation.telemetry import ACTIVATIONS, ATTEMPTS, DELIVERED_SECONDS
from rtp.activation.webhook import RETRY_SECONDS, SendResult, sign_and_send
from rtp.clock import Clock, from_micros, to_micros
from rtp.errors import Retryable
from rtp.identity.graph import IdentityGraph
from rtp.profile.consent import Purpose

logger = logging.getLogger("rtp.activation")

STOP_SECONDS = 86_400
"""After a 410 nothing is sent to that address for a day; then one message asks again."""
LEASE_SECONDS = 90.0
"""Longer than any attempt: a row whose sender died is sent again after it."""
POLL_SECONDS = 0.25
LONGEST_POLL_SECONDS = 5.0
"""Between two looks while the outbox cannot be read."""


class Sender:
    """Sends what is due; several may run, in one process or many."""

    def __init__(
        self,
        destinations: Mapping[str, Destination],
        *,
        outbox: Outbox,
        records: RecordLog,
        consent_of: ConsentOf,
        stock: StockReader,
        graph: IdentityGraph,
        clock: Clock,
        concurrency: int = 16,
        retry_seconds: tuple[int, ...] = RETRY_SECONDS,
    ) -> None:
        self._destinations = destinations
        self._outbox = outbox
        self._records = records
        self._consent_of = consent_of
        self._stock = stock
        self._graph = graph
        self._clock = clock
        self._concurrency = concurrency
        self._retry_seconds = retry_seconds
        self._woken = asyncio.Event()
        self._trouble_seconds = 0.0
        self._sending: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something was added to the outbox: look now, not at the next poll."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Sends until `stop` is set, then lets the attempts under way end."""
        async with httpx.AsyncClient() as client:
            while not stop.is_set():
                self._woken.clear()
                try:
                    full = await self._start_due(client) > 0 and len(self._sending) >= self._concurrency
                    self._readable()
                    await self._pause(full=full)
                except Retryable as error:
                    await self._unreadable(error, stop)
            await self._finish()

    def _readable(self) -> None:
        if self._trouble_seconds:
            logger.info("the outbox can be read again")
        self._trouble_seconds = 0.0

    async def _unreadable(self, error: Retryable, stop: asyncio.Event) -> None:
        """Told once, when it begins; asked again ever more seldom."""
        if not self._trouble_seconds:
            logger.warning("the outbox cannot be read: %s", error.message)
        self._trouble_seconds = min(max(POLL_SECONDS, 2 * self._trouble_seconds), LONGEST_POLL_SECONDS)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), self._trouble_seconds)

    async def send_due(self) -> int:
        """Sends what is due now, once, and waits for it; returns how many rows that were."""
        async with httpx.AsyncClient() as client:
            started = await self._start_due(client)
            await self._finish()
        return started

    async def _start_due(self, client: httpx.AsyncClient) -> int:
        free = self._concurrency - len(self._sending)
        if free <= 0:
            return 0
        rows = await self._outbox.claim(now=to_micros(self._clock()), lease_seconds=LEASE_SECONDS, count=free)
        for row in rows:
            task = asyncio.create_task(self._deliver(client, row))
            self._sending.add(task)
            task.add_done_callback(self._ended)
        return len(rows)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._woken.set()
        error = task.exception() if not task.cancelled() else None
        if error is not None:
            # The row stays claimed until its lease is over, and is then sent again.
            logger.warning("an attempt could not be finished: %s", type(error).__name__)

    async def _pause(self, *, full: bool) -> None:
        if full:
            await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
            return
        try:
            await asyncio.wait_for(self._woken.wait(), POLL_SECONDS)
        except TimeoutError:
            return

    async def _finish(self) -> None:
        if self._sending:
            await asyncio.wait(set(self._sending))

    async def _deliver(self, client: httpx.AsyncClient, row: OutboxRow) -> None:
        destination = self._destinations.get(row.destination)
        reason = await self._hindrance(row, destination)
        if not reason:
            row, reason = await self._promising(row)
        if reason or destination is None:
            await self._end(row, "dropped", reason or "DESTINATION_GONE")
            return
        result = await sign_and_send(
            destination.url,
            destination.secret,
            await self._payload(row, destination),
            row.activation_id,
            client=client,
            timeout_seconds=destination.timeout_seconds,
            clock=self._clock,
        )
        ATTEMPTS.labels(destination.name, result.outcome).inc()
        await self._after(msgspec.structs.replace(row, attempts=row.attempts + 1), destination, result)

    async def _hindrance(self, row: OutboxRow, destination: Destination | None) -> DropReason:
        """Why not to send now, "" if nothing is in the way; consent may have changed since the decision."""
        if destination is None or not destination.url:
            return "DESTINATION_GONE"
        if to_micros(self._clock()) >= row.expires_at:
            return "EXPIRED"
        if not (await self._consent_of(row.customer_id)).allows(Purpose(row.purpose), row.channel):
            return "NO_CONSENT"
        return "DESTINATION_STOPPED" if await self._outbox.stopped(destination.url) else ""

    async def _promising(self, row: OutboxRow) -> tuple[OutboxRow, DropReason]:
        """The row with the actions that stock still allows; with a reason if none worth a message is left."""
        now = to_micros(self._clock())
        kept, broken = await still_kept(row.decision.actions, self._stock, trigger_id=row.trigger_id, now=now)
        decision = msgspec.structs.replace(row.decision, actions=kept)
        left = any(worth_a_message(action) for action in kept)
        return msgspec.structs.replace(row, decision=decision), "" if left or broken is None else broken

    async def _after(self, row: OutboxRow, destination: Destination, result: SendResult) -> None:
        if result.outcome == "delivered":
            await self._end(row, "delivered", "")
        elif result.outcome == "gone":
            await self._outbox.stop(destination.url, seconds=STOP_SECONDS)
            await self._end(row, "failed", "GONE")
        else:
            await self._later(row, result)

    async def _later(self, row: OutboxRow, result: SendResult) -> None:
        if row.attempts >= len(self._retry_seconds):
            await self._end(row, "failed", "NOT_DELIVERED")
            return
        wait = max(float(self._retry_seconds[row.attempts]), result.retry_after_seconds or 0.0)
        due = to_micros(self._clock()) + int(wait * 1_000_000)
        if due >= row.expires_at:
            await self._end(row, "failed", "NOT_DELIVERED")
            return
        await self._outbox.retry(row, due=due)

    async def _end(self, row: OutboxRow, status: str, reason: DropReason) -> None:
        # Recorded before it is removed: a crash between the two repeats, and never loses.
        finished = to_micros(self._clock())
        record = _record(row, status, reason, finished)
        await self._records.append([record])
        await (self._outbox.bury(row, reason) if status == "failed" else self._outbox.settle(row))
        ACTIVATIONS.labels(row.trigger_id, status, reason).inc()
        if status == "delivered":
            DELIVERED_SECONDS.labels(row.trigger_id).observe((finished - row.caused_at) / 1e6)

    async def _payload(self, row: OutboxRow, destination: Destination) -> dict[str, Any]:
        decision = row.decision
        return {
            "type": "next_best_action",
            "timestamp": from_micros(row.decided_at),
            "data": {
                "activationId": row.activation_id,
                "triggerId": row.trigger_id,
                "decisionId": decision.decision_id,
                "momentId": decision.moment_id,
                "customerId": row.customer_id,
                **await self._identifiers(row.customer_id, destination),
                "channel": row.channel,
                "placement": decision.placement,
                "actions": decision.actions,
                "causedAt": from_micros(row.caused_at),
                "expiresAt": from_micros(row.expires_at),
            },
        }

    async def _identifiers(self, customer_id: str, destination: Destination) -> dict[str, str]:
        """The identifiers that the destination asks for, read now: they never lie in the outbox."""
        if not destination.identifiers:
            return {}
        customer = await self._graph.customer(customer_id)
        known = {each.type: each.value for each in customer.identifiers} if customer else {}
        return {_camel(kind): known[kind] for kind in destination.identifiers if kind in known}


def _record(row: OutboxRow, status: Any, reason: DropReason, finished_at: int) -> ActivationRecord:
    return ActivationRecord(
        activation_id=row.activation_id,
        trigger_id=row.trigger_id,
        decision_id=row.decision.decision_id,
        customer_id=row.customer_id,
        channel=row.channel,
        destination=row.destination,
        status=status,
        reason=reason,
        caused_at=row.caused_at,
        decided_at=row.decided_at,
        finished_at=finished_at,
        attempts=row.attempts,
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
