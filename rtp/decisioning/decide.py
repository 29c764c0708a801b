"""One decision: who, which moment, what may be offered here, what can be promised; then the record."""

from datetime import UTC, datetime

from rtp.clock import Clock, NewId, to_micros
from rtp.decisioning import ranking
from rtp.decisioning.assignment import Experiments, assign
from rtp.decisioning.decision import (
    Action,
    DecideRequest,
    Decision,
    DecisionRecord,
    RejectedAction,
)
from rtp.decisioning.moment import Moment, MomentKey, Moments, Ranked
from rtp.decisioning.offers import Offers, Situated, action_id, favourite_store
from rtp.decisioning.policy import Policy
from rtp.decisioning.ports import DecisionLog, Knowledge
from rtp.decisioning.shopper import ConsentOf, find, shopper
from rtp.errors import Rejected
from rtp.features.online import OnlineStore
from rtp.identity.graph import IdentityGraph
from rtp.inventory.stock import StockStore

REJECTED_SHOWN = 20
"""Most rejected candidates in an answer that does not ask to be explained; the record has all of them."""


class Decider:
    """Decides; holds no state of its own, so any number may run."""

    def __init__(
        self,
        *,
        identity: IdentityGraph,
        consent_of: ConsentOf,
        online: OnlineStore,
        stock: StockStore,
        moments: Moments,
        log: DecisionLog,
        knowledge: Knowledge,
        policy: Policy,
        experiments: Experiments,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._identity = identity
        self._consent_of = consent_of
        self._online = online
        self._offers = Offers(policy, stock)
        self._moments = moments
        self._log = log
        self._knowledge = knowledge
        self._policy = policy
        self._experiments = experiments
        self._clock = clock
        self._new_id = new_id

    async def decide(self, request: DecideRequest, *, trigger_id: str | None = None) -> Decision:
        """Decides now and logs it. Raises Rejected for a request that cannot be answered, Retryable if it can later."""
        return (await self.record(request, to_micros(self._clock()), trigger_id=trigger_id)).decision

    async def record(self, request: DecideRequest, now: int, *, trigger_id: str | None = None) -> DecisionRecord:
        """As `decide`, at `now` (µs); the whole record. Only habits and hours follow `context.at`."""
        situated = await self._situate(request, now)
        moment = await self._moment(situated)
        if situated.rule.outbound and not situated.shopper.reachable:
            actions: list[Action] = []
            rejected = [RejectedAction(action_id=action_id(row), reason="NO_CONSENT") for row in moment.ranking]
        else:
            actions, rejected = await self._offers.choose(situated, moment)
        if situated.unknown_store:
            rejected.insert(0, RejectedAction(action_id=f"store:{situated.unknown_store}", reason="UNKNOWN_STORE"))
        record = self._recorded(situated, moment, actions, rejected, trigger_id)
        await self._log.append(record)
        return record

    async def explained(self, decision_id: str) -> DecisionRecord | None:
        """The record of an earlier decision, while it is kept."""
        return await self._log.get(decision_id)

    async def _situate(self, request: DecideRequest, now: int) -> Situated:
        rule = self._policy.channels.get(request.channel)
        if rule is None:
            raise Rejected(
                f"The policy {self._policy.name} does not serve the channel {request.channel}.",
                reason="UNKNOWN_CHANNEL", field="channel", hint=f"It serves {', '.join(self._policy.channels)}.",
            )  # fmt: skip
        # Catalogue and model are taken once: both may be swapped while this decision is under way.
        catalog, ranker = self._knowledge.catalog, self._knowledge.ranker
        customer_id = await find(self._identity, request.customer)
        who = await shopper(
            customer_id, request.channel, rule, consent_of=self._consent_of, online=self._online, now=now
        )
        wanted = request.context.store_id
        known = wanted if wanted and catalog is not None and catalog.store(wanted) is not None else None
        return Situated(
            request=request, rule=rule, now=now, at=_time_meant(request, now), shopper=who, catalog=catalog,
            ranker=ranker, store_id=known, unknown_store=wanted if wanted and not known else None,
        )  # fmt: skip

    async def _moment(self, situated: Situated) -> Moment:
        """The moment under way, or a new one: the customer's, or where nothing personal may be used the context's."""
        who, context = situated.shopper, situated.request.context
        subject = who.customer_id if who.personal else f"context:{situated.store_id}:{context.product_id}"
        key = MomentKey(
            subject=subject or "",
            counter=who.counter,
            policy=self._policy.version,
            model=situated.ranker.version if situated.ranker else "none",
            catalog=situated.catalog.version if situated.catalog else "none",
            experiments=self._experiments.version,
        ).digest
        running = await self._moments.get(key)
        if running is not None:
            return running
        return await self._moments.put_first(
            key, self._ranked(situated, key), ttl_seconds=self._policy.moment_minutes * 60
        )

    def _ranked(self, situated: Situated, key: str) -> Moment:
        catalog, who, context = situated.catalog, situated.shopper, situated.request.context
        rows: tuple[Ranked, ...] = ()
        candidates, fallback = 0, None
        if catalog is None:
            fallback = "no catalogue has been built yet"
        else:
            habits = catalog.habits(who.customer_id) if who.personal and who.customer_id else None
            store_id = situated.store_id or who.text("customer_live:current_store_id") or favourite_store(catalog, who)
            where = ranking.context_of(
                catalog, at=situated.at, store_id=store_id, product_id=context.product_id,
                viewed=who.texts("last_products"), cart=who.texts("cart_products"), live=who.live,
            )  # fmt: skip
            rows, candidates = ranking.rank(catalog, situated.ranker, self._policy, habits, where)
            fallback = "no model has been promoted yet" if situated.ranker is None else None
        return Moment(
            moment_id=f"{key[:20]}-{situated.now // 1_000_000:x}",
            created_at=situated.now,
            ranking=rows,
            candidates=candidates,
            contextual=not who.personal,
            fallback=fallback,
        )

    def _recorded(
        self,
        situated: Situated,
        moment: Moment,
        actions: list[Action],
        rejected: list[RejectedAction],
        trigger_id: str | None,
    ) -> DecisionRecord:
        request, who = situated.request, situated.shopper
        decision = Decision(
            decision_id=self._new_id(),
            moment_id=moment.moment_id,
            customer_id=who.customer_id,
            channel=request.channel,
            placement=request.placement,
            fallback=moment.fallback is not None,
            experiments=assign(self._experiments, who.customer_id) if who.personal else [],
            actions=actions,
            rejected=rejected if request.explain else rejected[:REJECTED_SHOWN],
        )
        return DecisionRecord(
            decision=decision,
            decided_at=situated.now,
            store_id=situated.store_id,
            region=request.context.region,
            context_product_id=request.context.product_id,
            features={name: value for name, value in who.features.items() if value is not None},
            candidates=moment.candidates,
            policy_version=self._policy.version,
            model_version=situated.ranker.version if situated.ranker else "none",
            catalog_version=situated.catalog.version if situated.catalog else "none",
            rejected=rejected,
            reason_for_fallback=moment.fallback,
            contextual=moment.contextual,
            trigger_id=trigger_id,
        )


def _time_meant(request: DecideRequest, now: int) -> int:
    if request.context.at is None:
        return now
    try:
        at = datetime.fromisoformat(request.context.at)
    except ValueError as error:
        raise Rejected(
            "context.at is not a time.", reason="INVALID_TIME", field="context.at", hint="Write 2026-01-31T18:00:00Z."
        ) from error
    return to_micros(at if at.tzinfo else at.replace(tzinfo=UTC))
