"""From log entries to their verdicts: identity, fold, effects. Everything may be repeated; nothing then changes."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import starmap

import msgspec

from rtp.clock import Clock, to_micros
from rtp.errors import Retryable
from rtp.features.live import combine
from rtp.identity.fragments import fragment_at, is_closed
from rtp.identity.graph import IdentityGraph, Link, Linked
from rtp.identity.identifiers import identifiers_of, partitioning
from rtp.identity.normalize import Spelling
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.profile.effects import Effect, TriggerRule
from rtp.profile.folding import Folded, Incoming, fold_entries, order_id
from rtp.profile.fragment import Fragment
from rtp.profile.projector import Projector
from rtp.profile.store import FragmentStore, OrderClaims, Save
from rtp.signals.event import LogEntry
from rtp.signals.log import Outcome, Verdict
from rtp.signals.rejection import RejectedLog, Rejection
from rtp.signals.segment import segment_body
from rtp.worker import telemetry
from rtp.worker.effects import EffectDrain

ATTEMPTS = 10


class ProcessorSettings(msgspec.Struct, frozen=True):
    """How events are read."""

    spelling: Spelling
    anonymous_ttl_days: int


class _Work(msgspec.Struct):
    """Entries of one fragment on their way through."""

    fragment_id: str
    linked: Linked
    anonymous: bool
    """All there is to know the shopper by is an anonymous id."""
    entries: list[LogEntry]
    before: Fragment = Fragment()
    folded: Folded = Folded(Fragment(), (), False)
    customer_id: str = ""


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
        clock: Clock,
    ) -> None:
        self._graph = graph
        self._fragments = fragments
        self._orders = orders
        self._projector = projector
        self._drain = drain
        self._rejected = rejected
        self._rule = rule
        self._settings = settings
        self._clock = clock

    async def process(self, entries: Sequence[LogEntry]) -> list[Verdict]:
        """The verdicts of entries that are done; those missing have effects that must be tried again.

        Raises Retryable where the stores do not answer: then all of it is to be repeated.
        """
        done: list[_Work] = []
        remaining = list(entries)
        for _ in range(ATTEMPTS):
            if not remaining:
                return await self._finish(done)
            saved, remaining = await self._fold(remaining)
            done += saved
        raise Retryable("Fragments keep being changed by another worker.", hint="They are tried again.")

    async def _fold(self, entries: Sequence[LogEntry]) -> tuple[list[_Work], list[LogEntry]]:
        """Links, loads, folds and saves; returns what is stored, and entries whose fragment was changed meanwhile."""
        counts = await self._count_orders(entries)
        works = await self._link(entries)
        beside = [self._beside(work) for work in works]
        wanted = dict.fromkeys([work.fragment_id for work in works] + [each for others in beside for each in others])
        loaded = dict(zip(wanted, await self._fragments.load(list(wanted)), strict=True))
        for work, others in zip(works, beside, strict=True):
            work.before = loaded[work.fragment_id]
            incoming = [Incoming(entry, counts.get(entry.position, True)) for entry in work.entries]
            rest = combine([loaded[each].state.live for each in others])
            work.folded = fold_entries(work.before, incoming, self._rule, beside=rest)
            work.customer_id = await self._owner(work)
        changed = [work for work in works if work.folded.changed]
        kept = {work.fragment_id for work, saved in zip(changed, await self._save(changed), strict=True) if not saved}
        again = [entry for work in works if work.fragment_id in kept for entry in work.entries]
        return [work for work in works if work.fragment_id not in kept], again

    def _beside(self, work: _Work) -> list[str]:
        """The customer's other fragments, where a trigger may ask what the shopper did in other channels."""
        if not any(entry.event.name in self._rule.events for entry in work.entries):
            return []
        return [each for each in work.linked.customer.fragments if each != work.fragment_id]

    async def _count_orders(self, entries: Sequence[LogEntry]) -> dict[str, bool]:
        """Position of each completed order to whether it is the first event to complete that order."""
        orders = [(entry, order) for entry in entries if (order := order_id(entry.event)) is not None]
        if not orders:
            return {}
        claims = [(order, f"{entry.partition_key} {entry.event.message_id}") for entry, order in orders]
        return dict(zip((entry.position for entry, _ in orders), await self._orders.claim(claims), strict=True))

    async def _link(self, entries: Sequence[LogEntry]) -> list[_Work]:
        """Groups entries by the fragment they go into, once identity has said which that is."""
        claimed = [
            (entry.partition_key, identifiers_of(entry.event, spelling=self._settings.spelling)) for entry in entries
        ]
        claims = dict(zip(claimed, entries, strict=True))
        links = [
            Link(key, identifiers, Evidence("same_event", entry.event.message_id, entry.event.occurred_at))
            for (key, identifiers), entry in claims.items()
        ]
        linked = dict(zip(claims, await self._graph.link(links), strict=True))
        latest = {key: found for (key, _), found in linked.items() if not found.person}
        works: dict[str, _Work] = {}
        for claim, entry in zip(claimed, entries, strict=True):
            found = linked[claim]
            found = found if found.person else latest[entry.partition_key]
            fragment = fragment_at(entry.partition_key, found.epochs, entry.position, found.person)
            if fragment not in works:
                anonymous = not found.person and _is_anonymous(claim[1])
                works[fragment] = _Work(fragment, found, anonymous, [])
            works[fragment].entries.append(entry)
        return list(works.values())

    async def _owner(self, work: _Work) -> str:
        """The customer whose the fragment is: of a closed one, whoever it was closed for."""
        if not is_closed(work.fragment_id, work.linked.epochs) or not work.before.owner:
            return work.linked.customer.customer_id
        customer = await self._graph.customer(work.before.owner)
        return customer.customer_id if customer else work.before.owner

    async def _save(self, works: Sequence[_Work]) -> list[bool]:
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

    async def _finish(self, works: Sequence[_Work]) -> list[Verdict]:
        """Has effects carried out, also those of entries that were folded before a crash, and forgets them."""
        await self._project(works)
        await self._reject(works)
        owed: dict[str, list[Effect]] = defaultdict(list)
        for work in works:
            owed[work.customer_id] += work.folded.fragment.pending
        customers = [customer for customer, effects in owed.items() if effects]
        answers = await self._drain.drain([(customer, owed[customer]) for customer in customers])
        failed = {customer for customer, done in zip(customers, answers, strict=True) if not done}
        done = [work for work in works if work.customer_id not in failed]
        await self._fragments.clear(
            [(work.fragment_id, _stored(work).version) for work in done if work.folded.fragment.pending]
        )
        return [verdict for work in done for verdict in _verdicts(work)]

    async def _project(self, works: Sequence[_Work]) -> None:
        """Also of entries folded before a crash: not being acknowledged is what says that this may be left to do."""
        seen = [work for work in works if "applied" in work.folded.outcomes]
        known = {work.fragment_id: _stored(work) for work in seen}
        merged = [work for work in works if work.linked.customer.stale]
        await self._projector.project(list(dict.fromkeys(work.customer_id for work in (*seen, *merged))), known)
        telemetry.observe_visible([entry for work in seen for entry in work.entries], to_micros(self._clock()))

    async def _reject(self, works: Sequence[_Work]) -> None:
        broken = [
            entry
            for work in works
            for entry, outcome in zip(work.entries, work.folded.outcomes, strict=True)
            if outcome == "rejected"
        ]
        if broken:
            await self._rejected.append(list(map(_rejection, broken)))


def _is_anonymous(identifiers: tuple[Identifier, ...]) -> bool:
    identifier = partitioning(identifiers)
    return identifier is not None and identifier.type is IdentifierType.ANONYMOUS_ID


def _stored(work: _Work) -> Fragment:
    """The fragment as it lies in the store now, unless somebody has written it since."""
    return msgspec.structs.replace(work.folded.fragment, version=work.before.version + work.folded.changed)


def _verdicts(work: _Work) -> list[Verdict]:
    def verdict(entry: LogEntry, outcome: Outcome) -> Verdict:
        return Verdict(entry, outcome, work.customer_id, work.fragment_id)

    return list(starmap(verdict, zip(work.entries, work.folded.outcomes, strict=True)))


def _rejection(entry: LogEntry) -> Rejection:
    return Rejection(
        reason="FOLD_FAILED",
        message="The event was accepted, but could not be folded into the profile.",
        body=segment_body(entry.event),
        source=entry.event.source,
        received_at=entry.event.received_at,
        gpc=entry.event.gpc,
        key=f"{entry.partition}/{entry.position}",
    )
