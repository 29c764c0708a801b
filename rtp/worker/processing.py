"""From log entries to their verdicts: identity, fold, effects. Everything may be repeated; nothing then changes."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import msgspec

from rtp.clock import Clock, to_micros
from rtp.errors import Retryable
from rtp.features.live import combine
from rtp.identity.fragments import fragment_at, is_closed
from rtp.identity.graph import IdentityGraph, Link
from rtp.identity.identifiers import identifiers_of
from rtp.identity.normalize import Spelling
from rtp.identity.types import Evidence, Identifier
from rtp.profile.effects import Effect, TriggerRule
from rtp.profile.folding import Incoming, fold_entries, order_id
from rtp.profile.fragment import Fragment
from rtp.profile.projector import Projector
from rtp.profile.store import FragmentStore, OrderClaims, Save
from rtp.profile.suppression import SuppressionCheck
from rtp.signals.event import LogEntry
from rtp.signals.log import Verdict
from rtp.signals.rejection import RejectedLog
from rtp.worker import telemetry
from rtp.worker.effects import EffectDrain
from rtp.worker.work import Work, is_anonymous, rejection_of, stored, verdicts_of

ATTEMPTS = 10

Place = tuple[int, str]
"""Partition and position of an entry."""
Named = Mapping[Place, tuple[Identifier, ...]]
"""The identifiers of each entry."""


class ProcessorSettings(msgspec.Struct, frozen=True):
    """How events are read."""

    spelling: Spelling
    anonymous_ttl_days: int


class Processor:
    """Folds entries, links identities and has effects carried out, before anything is acknowledged."""

    def __init__(
        self,
        *,
        graph: IdentityGraph,
        fragments: FragmentStore,
        orders: OrderClaims,
        projector: Projector,
        drain: EffectDrain,
        rejected: RejectedLog,
        rule: TriggerRule,
        settings: ProcessorSettings,
        suppressed: SuppressionCheck,
        clock: Clock,
        stage: Callable[[str], AbstractContextManager[None]] = telemetry.stage,
    ) -> None:
        """`stage(name)` is held while that part of a batch is worked on: what a batch's time goes into."""
        self._graph = graph
        self._fragments = fragments
        self._orders = orders
        self._projector = projector
        self._drain = drain
        self._rejected = rejected
        self._rule = rule
        self._settings = settings
        self._suppressed = suppressed
        self._clock = clock
        self._stage = stage

    async def process(self, entries: Sequence[LogEntry]) -> list[Verdict]:
        """The verdicts of entries that are done; those missing have effects that must be tried again.

        Raises Retryable where the stores do not answer: then all of it is to be repeated.
        """
        await self._suppressed.ready()
        with self._stage("link"):
            named = {_place(entry): identifiers_of(entry.event, spelling=self._settings.spelling) for entry in entries}
        done: list[Work] = []
        remaining: list[LogEntry] = []
        dropped: list[Verdict] = []
        for entry in entries:
            if self._suppressed.of_identifiers(named[_place(entry)]):
                dropped.append(Verdict(entry, "rejected"))
            else:
                remaining.append(entry)
        for _ in range(ATTEMPTS):
            if not remaining:
                return [*dropped, *await self._finish(done)]
            saved, remaining = await self._fold(remaining, named)
            done += saved
        raise Retryable("Fragments keep being changed by another worker.", hint="They are tried again.")

    async def _fold(self, entries: Sequence[LogEntry], named: Named) -> tuple[list[Work], list[LogEntry]]:
        """Links, loads, folds and saves; returns what is stored, and entries whose fragment was changed meanwhile."""
        with self._stage("orders"):
            counts = await self._count_orders(entries)
        with self._stage("link"):
            works = await self._link(entries, named)
        beside = {work.fragment_id: self._beside(work) for work in works}
        with self._stage("load"):
            wanted = list(dict.fromkeys(each for own, others in beside.items() for each in (own, *others)))
            loaded = dict(zip(wanted, await self._fragments.load(wanted), strict=True))
        with self._stage("fold"):
            for work in works:
                self._fold_one(work, loaded, beside[work.fragment_id], counts)
        with self._stage("compare_and_set"):
            for work in works:
                work.customer_id = await self._owner(work)
            changed = [work for work in works if work.folded.changed]
            saves = zip(changed, await self._save(changed), strict=True)
        kept = {work.fragment_id for work, saved in saves if not saved}
        again = [entry for work in works if work.fragment_id in kept for entry in work.entries]
        return [work for work in works if work.fragment_id not in kept], again

    def _fold_one(
        self, work: Work, loaded: Mapping[str, Fragment], others: Sequence[str], counts: Mapping[Place, bool]
    ) -> None:
        work.before = loaded[work.fragment_id]
        incoming = [Incoming(entry, counts.get(_place(entry), True)) for entry in work.entries]
        rest = combine([loaded[each].state.live for each in others])
        work.folded = fold_entries(work.before, incoming, self._rule, beside=rest)

    def _beside(self, work: Work) -> list[str]:
        """The customer's other fragments, where a trigger may ask what the shopper did in other channels."""
        if not any(entry.event.name in self._rule.events for entry in work.entries):
            return []
        return [each for each in work.linked.customer.fragments if each != work.fragment_id]

    async def _count_orders(self, entries: Sequence[LogEntry]) -> dict[Place, bool]:
        """Place in the log of each completed order to whether it is the first event to complete that order."""
        orders = [(entry, order) for entry in entries if (order := order_id(entry.event)) is not None]
        if not orders:
            return {}
        claims = [(order, f"{entry.partition_key} {entry.event.message_id}") for entry, order in orders]
        return dict(zip((_place(entry) for entry, _ in orders), await self._orders.claim(claims), strict=True))

    async def _link(self, entries: Sequence[LogEntry], named: Named) -> list[Work]:
        """Groups entries by the fragment they go into, once identity has said which that is."""
        claimed = [(entry.partition_key, named[_place(entry)]) for entry in entries]
        claims = dict(zip(claimed, entries, strict=True))
        links = [
            Link(key, identifiers, Evidence("same_event", entry.event.message_id, entry.event.occurred_at))
            for (key, identifiers), entry in claims.items()
        ]
        linked = dict(zip(claims, await self._graph.link(links), strict=True))
        latest = {key: found for (key, _), found in linked.items() if not found.person}
        works: dict[str, Work] = {}
        for claim, entry in zip(claimed, entries, strict=True):
            found = linked[claim]
            found = found if found.person else latest[entry.partition_key]
            fragment = fragment_at(entry.partition_key, found.epochs, entry.position, found.person)
            if fragment not in works:
                anonymous = not found.person and is_anonymous(claim[1])
                works[fragment] = Work(fragment, found, anonymous, [])
            works[fragment].entries.append(entry)
        return list(works.values())

    async def _owner(self, work: Work) -> str:
        """The customer whose the fragment is: of a closed one, whoever it was closed for."""
        if not is_closed(work.fragment_id, work.linked.epochs) or not work.before.owner:
            return work.linked.customer.customer_id
        customer = await self._graph.customer(work.before.owner)
        return customer.customer_id if customer else work.before.owner

    async def _save(self, works: Sequence[Work]) -> list[bool]:
        return await self._fragments.save(
            [
                Save(
                    fragment_id=work.fragment_id,
                    before=work.before,
                    after=msgspec.structs.replace(work.folded.fragment, owner=work.customer_id),
                    epochs=work.linked.epochs,
                    ttl_days=self._settings.anonymous_ttl_days if work.anonymous else None,
                )
                for work in works
            ]
        )

    async def _finish(self, works: Sequence[Work]) -> list[Verdict]:
        """Has effects carried out, also those of entries that were folded before a crash, and forgets them."""
        with self._stage("project"):
            await self._project(works)
        await self._reject(works)
        with self._stage("effects"):
            done = await self._drained(works)
        return [verdict for work in done for verdict in verdicts_of(work)]

    async def _drained(self, works: Sequence[Work]) -> list[Work]:
        """Those that owe nothing any more."""
        owed: dict[str, list[Effect]] = defaultdict(list)
        for work in works:
            owed[work.customer_id] += work.folded.fragment.pending
        customers = [customer for customer, effects in owed.items() if effects]
        answers = await self._drain.drain([(customer, owed[customer]) for customer in customers])
        failed = {customer for customer, done in zip(customers, answers, strict=True) if not done}
        done = [work for work in works if work.customer_id not in failed]
        await self._fragments.clear(
            [(work.fragment_id, stored(work).version) for work in done if work.folded.fragment.pending]
        )
        return done

    async def _project(self, works: Sequence[Work]) -> None:
        """Also of entries folded before a crash: not being acknowledged is what says that this may be left to do."""
        seen = [work for work in works if "applied" in work.folded.outcomes]
        known = {work.fragment_id: stored(work) for work in seen}
        merged = [work for work in works if work.linked.customer.stale]
        await self._projector.project(list(dict.fromkeys(work.customer_id for work in (*seen, *merged))), known)
        telemetry.observe_visible([entry for work in seen for entry in work.entries], to_micros(self._clock()))

    async def _reject(self, works: Sequence[Work]) -> None:
        broken = [
            entry
            for work in works
            for entry, outcome in zip(work.entries, work.folded.outcomes, strict=True)
            if outcome == "rejected"
        ]
        if broken:
            await self._rejected.append(list(map(rejection_of, broken)))


def _place(entry: LogEntry) -> Place:
    """Positions alone are not unique: two partitions are written to in the same millisecond."""
    return entry.partition, entry.position
