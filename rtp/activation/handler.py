"""From an effect to a row in the outbox: consent, cooldown, decision. Safe to repeat."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from rtp.activation.outbox import ActivationRecord, DropReason, Outbox, OutboxRow, RecordLog
from rtp.activation.telemetry import ACTIVATIONS
from rtp.activation.triggers import Trigger, activation_id
from rtp.clock import Clock, to_micros
from rtp.decisioning.decision import Action, CustomerRef, DecideContext, DecideRequest, Decision
from rtp.errors import Rejected
from rtp.profile.consent import Consent, Purpose
from rtp.profile.effects import Effect

logger = logging.getLogger("rtp.activation")

ConsentOf = Callable[[str], Awaitable[Consent]]
"""The consent of a customer, read at its source: what the last event said counts at once."""


class Deciding(Protocol):
    """Next best actions; the Decider is one."""

    async def decide(self, request: DecideRequest, *, trigger_id: str | None = None) -> Decision:
        """Raises Rejected where the request cannot be answered, Retryable where it can later."""
        ...


class ActivationHandler:
    """EffectHandler for effects of kind `activate`."""

    def __init__(
        self,
        triggers: Mapping[str, Trigger],
        *,
        decider: Deciding,
        consent_of: ConsentOf,
        outbox: Outbox,
        records: RecordLog,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """`wake` tells the sender that there is something to send."""
        self._triggers = triggers
        self._decider = decider
        self._consent_of = consent_of
        self._outbox = outbox
        self._records = records
        self._clock = clock
        self._wake = wake

    async def __call__(self, customer_id: str, effects: list[Effect]) -> None:
        """Decides for each effect and stores what is to be sent. Raises Retryable to be called again."""
        for effect in effects:
            trigger = self._triggers.get(str(effect.payload["trigger_id"]))
            if trigger is None:
                # The worker was restarted without this trigger between fold and now.
                logger.warning("trigger %s is no longer declared: activation dropped", effect.payload["trigger_id"])
                continue
            await self._activate(customer_id, effect, trigger)

    async def _activate(self, customer_id: str, effect: Effect, trigger: Trigger) -> None:
        reason = await self._hindrance(customer_id, effect, trigger)
        if reason is None:
            return
        if reason:
            await self._drop(customer_id, effect, trigger, reason)
            return
        try:
            decision = await self._decider.decide(_request(customer_id, effect, trigger), trigger_id=trigger.id)
        except Rejected:
            await self._drop(customer_id, effect, trigger, "REFUSED")
            return
        if not any(map(worth_a_message, decision.actions)):
            await self._drop(customer_id, effect, trigger, "NO_ACTION", decision.decision_id)
            return
        now = to_micros(self._clock())
        row = self._row(customer_id, effect, trigger, decision, now)
        if await self._outbox.add(row, due=now, cooldown_seconds=trigger.cooldown_seconds):
            self._wake()

    async def _hindrance(self, customer_id: str, effect: Effect, trigger: Trigger) -> DropReason | None:
        """Why not to go ahead, "" to go ahead, None if it was gone through before."""
        if to_micros(self._clock()) >= _expires_at(effect, trigger):
            return "EXPIRED"
        if not (await self._consent_of(customer_id)).allows(Purpose(trigger.purpose), trigger.channel):
            return "NO_CONSENT"
        begun = await self._outbox.begin(
            activation_id(effect.effect_id), trigger_id=trigger.id, customer_id=customer_id
        )
        if begun == "known":
            return None
        return "COOLDOWN" if begun == "cooling" else ""

    @staticmethod
    def _row(customer_id: str, effect: Effect, trigger: Trigger, decision: Decision, now: int) -> OutboxRow:
        return OutboxRow(
            activation_id=activation_id(effect.effect_id),
            trigger_id=trigger.id,
            destination=trigger.destination,
            customer_id=customer_id,
            channel=trigger.channel,
            purpose=trigger.purpose,
            decision=decision,
            caused_at=int(effect.payload["caused_at"]),
            decided_at=now,
            expires_at=_expires_at(effect, trigger),
        )

    async def _drop(
        self, customer_id: str, effect: Effect, trigger: Trigger, reason: DropReason, decision_id: str | None = None
    ) -> None:
        ACTIVATIONS.labels(trigger.id, "dropped", reason).inc()
        await self._records.append(
            [
                ActivationRecord(
                    activation_id=activation_id(effect.effect_id),
                    trigger_id=trigger.id,
                    decision_id=decision_id,
                    customer_id=customer_id,
                    channel=trigger.channel,
                    destination=trigger.destination,
                    status="dropped",
                    reason=reason,
                    caused_at=int(effect.payload["caused_at"]),
                    decided_at=None,
                    finished_at=to_micros(self._clock()),
                    attempts=0,
                )
            ]
        )


def worth_a_message(action: Action) -> bool:
    """Nobody is written to about what a page shows when nothing else can be offered."""
    return action.kind in {"product", "offer"}


def _expires_at(effect: Effect, trigger: Trigger) -> int:
    return int(effect.payload["caused_at"]) + trigger.ttl_seconds * 1_000_000


def _request(customer_id: str, effect: Effect, trigger: Trigger) -> DecideRequest:
    return DecideRequest(
        customer=CustomerRef(customer_id=customer_id),
        channel=trigger.channel,
        placement=trigger.placement,
        context=DecideContext(store_id=effect.payload.get("store_id"), product_id=effect.payload.get("product_id")),
        limit=trigger.limit,
    )
