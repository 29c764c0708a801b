"""Carrying out what the fold asked for: each kind by its handler, once more after a crash, never given up silently."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import msgspec

from rtp.clock import Clock, to_micros
from rtp.coalescing import Coalescer
from rtp.errors import Rejected, Retryable
from rtp.inventory.stock import StockStore
from rtp.profile.effects import Effect, EffectHandler, EffectKind
from rtp.signals.rejection import RejectedLog, Rejection

logger = logging.getLogger("rtp.worker")

MOST_AT_ONCE = 64
MOST_ATTEMPTS = 10
"""A handler that fails in a way it does not know of gets so many tries; Retryable is tried for ever."""


class FailedEffect(msgspec.Struct, frozen=True):
    """The body of an effect among the rejected events."""

    customer_id: str
    effect: Effect


class EffectDrain:
    """Gives effects to their handlers."""

    def __init__(self, handlers: Mapping[EffectKind, EffectHandler], rejected: RejectedLog, clock: Clock) -> None:
        self._handlers = handlers
        self._rejected = rejected
        self._clock = clock
        self._attempts: dict[str, int] = {}
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)

    async def drain(self, work: Sequence[tuple[str, Sequence[Effect]]]) -> list[bool]:
        """Carries out (customer id, effects); False for those that have to be tried again."""
        return list(await asyncio.gather(*(self._drain_one(customer, effects) for customer, effects in work)))

    async def _drain_one(self, customer_id: str, effects: Sequence[Effect]) -> bool:
        async with self._slots:
            done = True
            for kind in dict.fromkeys(effect.kind for effect in effects):
                mine = [effect for effect in effects if effect.kind == kind]
                done = await self._handle(kind, customer_id, mine) and done
            return done

    async def _handle(self, kind: EffectKind, customer_id: str, effects: list[Effect]) -> bool:
        handler = self._handlers.get(kind)
        if handler is None:
            logger.warning("nobody handles effects of kind %s: dropped", kind)
            return True
        try:
            await handler(customer_id, effects)
        except Retryable as error:
            logger.warning("%s effects have to wait: %s", kind, error.message)
            return False
        except Rejected as error:
            await self._bury(customer_id, effects, error.message)
        except Exception:
            logger.exception("%s effects failed", kind)
            tries = self._attempts[effects[0].effect_id] = self._attempts.get(effects[0].effect_id, 0) + 1
            if tries < MOST_ATTEMPTS:
                return False
            message = f"The handler of {kind} effects failed {tries} times; see the worker's log."
            await self._bury(customer_id, effects, message)
        self._attempts.pop(effects[0].effect_id, None)
        return True

    async def _bury(self, customer_id: str, effects: Sequence[Effect], message: str) -> None:
        now = to_micros(self._clock())
        await self._rejected.append(
            [
                Rejection(
                    reason="EFFECT_FAILED",
                    message=message,
                    field=effect.kind,
                    body=msgspec.json.encode(FailedEffect(customer_id, effect)),
                    source="worker",
                    received_at=now,
                    call="effect",
                    key=effect.effect_id,
                )
                for effect in effects
            ]
        )


class StockHandler:
    """EffectHandler for `stock`: a completed order commits what it takes from its store, once.

    Orders that have no product in common are committed together, each step of all in one durable write; those that
    have, one after the other: together they would only hinder each other.
    """

    def __init__(self, stock: StockStore, clock: Clock) -> None:
        self._stock = stock
        self._clock = clock
        self._coalescer: Coalescer[Effect, BaseException | None] = Coalescer(self._commit)

    async def __call__(self, customer_id: str, effects: list[Effect]) -> None:  # noqa: ARG002 - stock knows no customers
        """Returns once all orders are committed; raises what the first that could not be was refused with."""
        for failure in await self._coalescer.submit(effects):
            if failure is not None:
                raise failure

    async def _commit(self, effects: Sequence[Effect]) -> list[BaseException | None]:
        failures: dict[int, BaseException | None] = {}
        for places in _apart(effects):
            done = await asyncio.gather(*(self._commit_one(effects[each]) for each in places), return_exceptions=True)
            failures |= dict(zip(places, done, strict=True))
        return [failures[place] for place in range(len(effects))]

    async def _commit_one(self, effect: Effect) -> None:
        order, store, quantities = (effect.payload[name] for name in ("order_id", "store_id", "quantities"))
        await self._stock.commit(
            order,
            store,
            quantities,
            now=to_micros(self._clock()),
            placed_at=effect.payload.get("placed_at"),
            reservation_ids=effect.payload.get("reservation_ids", ()),
        )


def _apart(effects: Sequence[Effect]) -> list[list[int]]:
    """The places of orders in groups, one to be committed after the other; in none is a product of a store twice."""
    groups: list[list[int]] = []
    taken: dict[tuple[str, str], int] = {}
    for place, effect in enumerate(effects):
        pairs = [(effect.payload["store_id"], product) for product in effect.payload["quantities"]]
        group = max((taken.get(pair, 0) for pair in pairs), default=0)
        if group == len(groups):
            groups.append([])
        groups[group].append(place)
        taken |= dict.fromkeys(pairs, group + 1)
    return groups
