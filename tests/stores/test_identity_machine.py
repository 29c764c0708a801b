"""Any sequence of visits, consents, repetitions, crashes, merges, undone merges and erasures, against a model."""

import asyncio
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from rtp.clock import from_micros
from rtp.identity.config import IdentityRules, Limit
from rtp.identity.identifiers import identifiers_of, partitioning
from rtp.identity.normalize import Spelling
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.profile.consent import grants_of
from rtp.profile.effects import TriggerRule
from rtp.profile.erasure import Subject
from rtp.profile.projector import Projector
from rtp.profile.suppression import SuppressionCheck
from rtp.profile.unmerge import undo_merge
from rtp.signals.event import Event, LogEntry
from rtp.stores import identity_undo
from rtp.stores.connections import connect
from rtp.stores.consent_redis import RedisConsent
from rtp.stores.erasure.redis_state import RedisKeys
from rtp.stores.erasure.subject import SubjectFinder
from rtp.stores.fragments_redis import RedisFragments, RedisOrderClaims
from rtp.stores.identity_redis import RedisIdentityGraph
from rtp.stores.lake import Lake
from rtp.stores.record_stream import RedisRejectedLog
from rtp.worker.effects import EffectDrain
from rtp.worker.processing import Processor, ProcessorSettings
from tests.crashing import Crashed, CrashingRedis
from tests.fakes import FakeOnlineStore
from tests.identity_oracle import Node, Oracle
from tests.making import KEYS, NOON, SECOND, event

RULES = IdentityRules(limits={kind: Limit(limit=1 if kind is IdentifierType.USER_ID else 2) for kind in IdentifierType})
UNDO = Evidence("undo", "tests", NOON)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "user_id": st.sampled_from(("ann", "bob")),
        "anonymous_id": st.sampled_from(("tab1", "tab2", "tab3")),
        "traits": st.fixed_dictionaries(
            {},
            optional={
                "email": st.sampled_from(("x@b.test", "y@b.test")),
                "loyaltyId": st.sampled_from(("CARD1", "CARD2")),
            },
        ),
    },
).map(lambda drawn: drawn if any(drawn.values()) else {"anonymous_id": "tab1"})
CONSENTS = st.sampled_from((None, None, "granted", "denied"))
CRASHES = st.one_of(st.none(), st.none(), st.integers(0, 60))


class Erased(set[str]):
    """A suppression list that grows."""

    async def ready(self) -> None:
        """It is."""

    def holds(self, digests: Iterable[str]) -> bool:
        return not self.isdisjoint(digests)


class House:
    """The worker's parts on a client that may die."""

    def __init__(self, client: Any, online: FakeOnlineStore, erased: Erased) -> None:
        self.now = NOON + 3600 * SECOND
        self.graph = RedisIdentityGraph(client, KEYS, RULES)
        self.fragments = RedisFragments(client)
        self.projector = Projector(self.graph, self.fragments, online, lambda: from_micros(self.now))
        rejected = RedisRejectedLog(client)
        self.processor = Processor(
            graph=self.graph,
            fragments=self.fragments,
            orders=RedisOrderClaims(client),
            projector=self.projector,
            drain=EffectDrain({}, rejected, lambda: from_micros(self.now)),
            rejected=rejected,
            rule=TriggerRule(),
            settings=ProcessorSettings(Spelling(), anonymous_ttl_days=90),
            suppressed=SuppressionCheck(erased, KEYS, spelling=Spelling()),
            clock=lambda: from_micros(self.now),
        )


class IdentityMachine(RuleBasedStateMachine):
    url: ClassVar[str]
    lake: ClassVar[Lake]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.client = connect(self.url)
        self.online = FakeOnlineStore()
        self.erased = Erased()
        self.house = House(self.client, self.online, self.erased)
        self.oracle = Oracle(KEYS, RULES)
        self.entries: list[LogEntry] = []
        self.runner.run(self.client.flushall())

    def teardown(self) -> None:
        self.runner.run(self.client.aclose())
        self.runner.close()

    @rule(claim=CLAIMS, consent=CONSENTS, crash=CRASHES)
    def something_happens(self, claim: dict[str, Any], consent: str | None, crash: int | None) -> None:
        number = len(self.entries) + 1
        name = "Consent Changed" if consent else "Product Viewed"
        properties = {"purpose": "marketing", "channel": "email", "status": consent} if consent else {"productId": "p1"}
        at = {"occurred_at": NOON + number * SECOND, "received_at": NOON + number * SECOND}
        one = event(f"m{number}", name, **({"user_id": None} | claim), properties=properties, **at)
        partition = partitioning(identifiers_of(one))
        assert partition is not None
        entry = LogEntry(0, f"{NOON // 1000 + number}-0", KEYS.partition_key(partition), one)
        self.entries.append(entry)
        self._process(entry, crash)
        fragment = self._expect(one)
        if fragment is None:
            return
        if consent:
            self.oracle.words[fragment] = {**self.oracle.words.get(fragment, {}), **grants_of(one)}
            self.oracle.views.setdefault(fragment, set())
        else:
            self.oracle.views.setdefault(fragment, set()).add(one.message_id)

    @precondition(lambda self: self.entries)
    @rule(data=st.data(), crash=CRASHES)
    def an_event_comes_again(self, data: st.DataObject, crash: int | None) -> None:
        entry = data.draw(st.sampled_from(self.entries))
        self._process(entry, crash)
        self._expect(entry.event)

    @precondition(lambda self: self._merged())
    @rule(data=st.data(), crash=CRASHES)
    def a_merge_is_undone(self, data: st.DataObject, crash: int | None) -> None:
        name = data.draw(st.sampled_from(sorted(node.name for node in self._merged())))
        loser = self.oracle.nodes[name]
        merge_id = self.runner.run(self._merge_id(loser))
        self.house.now += 1
        if crash is not None:
            dying = House(CrashingRedis(self.client, after=crash), self.online, self.erased)
            dying.now = self.house.now
            try:
                self.runner.run(undo_merge(dying.graph, dying.projector, merge_id, UNDO))
            except Crashed:
                self.house.now += 1
        self.runner.run(undo_merge(self.house.graph, self.house.projector, merge_id, UNDO))
        self.oracle.undo(loser)

    @precondition(lambda self: self._people())
    @rule(data=st.data(), crash=CRASHES)
    def a_person_is_erased(self, data: st.DataObject, crash: int | None) -> None:
        identifier = data.draw(st.sampled_from(self._people()))
        root = self.oracle.nodes[str(self.oracle.resolve(identifier))]
        subject = self.runner.run(SubjectFinder(self.client, self.lake, KEYS, spelling=Spelling()).of(identifier))
        self.erased.update(map(KEYS.suppression, subject.identifiers))
        if crash is not None:
            try:
                self.runner.run(RedisKeys(CrashingRedis(self.client, after=crash)).erase(subject))  # type: ignore[arg-type]
            except Crashed:
                self.house.now += 1
        self.runner.run(RedisKeys(self.client).erase(subject))
        # The online store is not in this Redis; a row that is written again would be seen below.
        self.online.rows = {
            key: row for key, row in self.online.rows.items() if key[1][0][1] not in subject.customer_ids
        }
        assert subject.identifiers == self.oracle.erase(root)
        for entry in self.entries:
            self._process(entry, None)
        self.runner.run(self._nothing_is_left_of(subject))

    async def _nothing_is_left_of(self, subject: Subject) -> None:
        values = {each.value for each in subject.identifiers}
        words = map(re.escape, sorted(subject.customer_ids | subject.partition_keys | values))
        traces = re.compile(rf"\b({'|'.join(words)})\b".encode())
        async for key in self.client.scan_iter():
            held = key + b" " + await self._content(key)
            assert not traces.search(held), held
        assert not {key[1][0][1] for key in self.online.rows} & subject.customer_ids

    async def _content(self, key: bytes) -> bytes:
        read: Any = {
            b"hash": self.client.hgetall, b"set": self.client.smembers, b"string": self.client.get,
            b"stream": self.client.xrange,
        }[await self.client.type(key)]  # fmt: skip
        return repr(await read(key)).encode()

    def _people(self) -> list[Identifier]:
        """Identifiers of whoever may ask to be erased: a device that several use is nobody's."""
        seen = {each for entry in self.entries for each in identifiers_of(entry.event)}
        held = (each for each in seen if each not in self.oracle.shared and self.oracle.resolve(each))
        return sorted(held, key=lambda each: (each.type, each.value))

    def _merged(self) -> list[Node]:
        return [node for node in self.oracle.nodes.values() if node.parent is not None]

    async def _merge_id(self, loser: Node) -> str:
        dossier = await self.house.graph.dossier(loser.root.name)
        assert dossier is not None
        return next(each.merge_id for each in dossier.merges if each.loser == loser.name and each.undone is None)

    def _process(self, entry: LogEntry, crash: int | None) -> None:
        self.house.now += 1
        if crash is not None:
            dying = House(CrashingRedis(self.client, after=crash), self.online, self.erased)
            dying.now = self.house.now
            try:
                self.runner.run(dying.processor.process([entry]))
            except Crashed:
                self.house.now += 1
        self.runner.run(self.house.processor.process([entry]))

    def _expect(self, one: Event) -> str | None:
        """The fragment that the event goes into; None if it is about somebody who was erased."""
        identifiers = identifiers_of(one)
        if not self.oracle.erased.isdisjoint(identifiers):
            return None
        partition = partitioning(identifiers)
        assert partition is not None
        return self.oracle.link(identifiers, partition, one.occurred_at)

    @invariant()
    def everybody_is_who_they_should_be(self) -> None:
        self.runner.run(self._compare())

    async def _compare(self) -> None:
        graph, consent = self.house.graph, RedisConsent(self.client, self.house.fragments)
        for identifier in {each for entry in self.entries for each in identifiers_of(entry.event)}:
            assert await graph.resolve(identifier) == self.oracle.resolve(identifier), identifier
        for node in self.oracle.nodes.values():
            if not node.held and not node.children:
                continue
            if node.parent is not None:
                assert self.online.customer(node.name).get("product_views_24h") is None
                continue
            found = await graph.customer(node.name)
            assert found is not None
            assert set(found.identifiers) == set(node.identifiers())
            assert set(found.fragments) == node.all_fragments()
            assert not found.stale
            assert (await consent.read(node.name)).grants == self.oracle.consent(node)
            assert self.online.customer(node.name).get("product_views_24h") == self.oracle.row(node)


def test_merging_undoing_and_erasing_keep_everybody_else_who_they_are(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_undo, "GRACE_SECONDS", 0.0)
    machine = type("Machine", (IdentityMachine,), {"url": redis_url, "lake": Lake(tmp_path)})
    soaking = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
    examples, steps = (int(os.environ.get("MACHINE", "2000")), 40) if soaking else (12, 20)
    size = settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    run_state_machine_as_test(machine, settings=size)
