"""What of a moment's ranking is offered: masked by channel, cart, margin and stock, rechecked at source."""

import msgspec

from rtp.decisioning import fulfilment
from rtp.decisioning.catalog import Catalog
from rtp.decisioning.decision import Action, DecideRequest, Fulfilment, RejectedAction, RejectReason
from rtp.decisioning.eligibility import DAY_MICROS, Situation, refusal
from rtp.decisioning.moment import Moment, Ranked
from rtp.decisioning.policy import ChannelRule, Policy
from rtp.decisioning.reasons import reasons
from rtp.decisioning.score import Ranker
from rtp.decisioning.shopper import FAVOURITE_STORE, Shopper
from rtp.inventory.stock import StockStore

RECHECKED_AT_ONCE = 2
"""Positions read at source for each action wanted: some may have sold out since the mirror was read."""


class Situated(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one request that is known before candidates are looked at."""

    request: DecideRequest
    rule: ChannelRule
    now: int
    """Microseconds since 1970 UTC."""
    at: int
    """The time that the request speaks of; `now` unless it says."""
    shopper: Shopper
    catalog: Catalog | None
    ranker: Ranker | None
    store_id: str | None
    """The context's store, if the catalogue knows it."""
    unknown_store: str | None


class Offers:
    """Chooses from a ranking what may be offered to this shopper, here and now."""

    def __init__(self, policy: Policy, stock: StockStore) -> None:
        self._policy = policy
        self._stock = stock

    async def choose(self, situated: Situated, moment: Moment) -> tuple[list[Action], list[RejectedAction]]:
        """Masks the ranking by channel, cart, margin and stock, and takes the first that remain."""
        wanted = min(max(situated.request.limit, 0), situated.rule.most)
        situation = Situation(
            age_days=(situated.now - moment.created_at) / DAY_MICROS,
            cart=frozenset(situated.shopper.texts("cart_products")),
            bought=frozenset(
                situated.shopper.bought_since(situated.now - self._policy.recently_bought_days * DAY_MICROS)
            ),
        )
        reason: dict[str, RejectReason] = {}
        allowed: list[Ranked] = []
        for row in moment.ranking:
            refused = refusal(row, self._policy, situated.rule, situation)
            if refused is None:
                allowed.append(row)
            else:
                reason[row.product_id] = refused
        chosen = await self._promised(situated, allowed, wanted, reason)
        taken = {row.product_id for row, _ in chosen}
        rejected = [
            RejectedAction(action_id=action_id(row), reason=reason.get(row.product_id, "LOWER_RANK"))
            for row in moment.ranking
            if row.product_id not in taken
        ]
        return self._actions(chosen), rejected

    async def _promised(
        self, situated: Situated, allowed: list[Ranked], wanted: int, reason: dict[str, RejectReason]
    ) -> list[tuple[Ranked, Fulfilment | None]]:
        """The first `wanted` that can be promised, rechecked at source; fills in why others cannot."""
        if not self._policy.stock_required or situated.catalog is None:
            return [(row, None) for row in allowed[:wanted]]
        choices = fulfilment.options(
            situated.catalog,
            situated.request.channel,
            situated.store_id,
            favourite_store(situated.catalog, situated.shopper),
        )
        screened = await fulfilment.screened(
            self._stock, choices, [row.product_id for row in allowed], now=situated.now
        )
        pending: list[tuple[Ranked, fulfilment.Option]] = []
        for row, seen in zip(allowed, screened, strict=True):
            if seen.option is not None:
                pending.append((row, seen.option))
            elif seen.reason is not None:
                reason[row.product_id] = seen.reason
        chosen: list[tuple[Ranked, Fulfilment | None]] = []
        while pending and len(chosen) < wanted:
            batch, pending = pending[: wanted * RECHECKED_AT_ONCE], pending[wanted * RECHECKED_AT_ONCE :]
            pairs = [(option.store_id, row.product_id) for row, option in batch]
            positions = await self._stock.positions(pairs, now=situated.now)
            for (row, option), position in zip(batch, positions, strict=True):
                promised = fulfilment.promise(option, position)
                if not isinstance(promised, Fulfilment):
                    reason[row.product_id] = promised
                elif len(chosen) < wanted:
                    chosen.append((row, promised))
        return chosen

    def _actions(self, chosen: list[tuple[Ranked, Fulfilment | None]]) -> list[Action]:
        """The answer's actions; what needs no stock where no product is left, so that a page is never empty."""
        if not chosen:
            return [
                Action(
                    action_id=action.action_id, kind=action.kind, position=position, score=0.0, expected_value=0.0,
                    propensity=1.0, reasons=["Nothing else can be offered here and now."],
                )
                for position, action in enumerate(self._policy.fallback, start=1)
            ]  # fmt: skip
        return [
            Action(
                action_id=action_id(row), kind="product", product_id=row.product_id, position=position,
                score=round(row.probability, 6), expected_value=round(row.value, 4), propensity=1.0,
                fulfilment=promised, reasons=reasons(row),
            )
            for position, (row, promised) in enumerate(chosen, start=1)
        ]  # fmt: skip


def favourite_store(catalog: Catalog, who: Shopper) -> str | None:
    """The store the customer goes to most, as the profile says, else as the catalogue knows."""
    said = who.text(FAVOURITE_STORE)
    if said or not who.personal or who.customer_id is None:
        return said
    habits = catalog.habits(who.customer_id)
    return catalog.store_id(habits.favourite_store) if habits and habits.favourite_store >= 0 else None


def action_id(row: Ranked) -> str:
    """The stable name of offering a product."""
    return f"product:{row.product_id}"
