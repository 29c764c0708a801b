"""Linking what is not linked yet: small idempotent steps, each on one key, so that a crash between two of them is
repaired by repeating the whole."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from rtp.errors import Retryable
from rtp.identity.config import IdentityRules
from rtp.identity.fragments import fragment_id
from rtp.identity.graph import Link, Linked
from rtp.identity.identifiers import STRENGTH
from rtp.identity.keys import KeyedHash
from rtp.identity.rules import SHARED_RANK, LinkPlan, Owner, plan_link
from rtp.identity.types import Customer, Evidence, Identifier, Merge
from rtp.stores.identity_keys import (
    STALE,
    UNDOING,
    customer_key,
    fragment_key,
    identifier_field,
    identifier_key,
    merge_key,
)  # fmt: skip
from rtp.stores.identity_records import Change, Record, absorb, encode, read_customer, read_owner
from rtp.stores.identity_scripts import ATTACH, FORWARD, POINT, SHARE, WRITE
from rtp.stores.outage import answer_of

ATTEMPTS = 20
PAUSE_SECONDS = 0.05
"""Until it is looked again whether a merge is still being undone."""


class Pointer(msgspec.Struct, frozen=True):
    """What is known under an identifier's key."""

    owner: str | None
    epochs: tuple[str, ...] = ()
    shared: bool = False


def read_pointer(owner: bytes | None, epochs: bytes | None, shared: bytes | None) -> Pointer:
    """An identifier from the fields POINTER of its hash."""
    return Pointer(owner.decode() if owner else None, tuple((epochs or b"").decode().split()), shared is not None)


POINTER = ["c", "e", "s"]
"""The fields of an identifier."""

Pointers = Mapping[Identifier, Pointer]


class IdentityMerge:
    """The slow half of the identity graph on Redis."""

    def __init__(self, client: Redis, keys: KeyedHash, rules: IdentityRules) -> None:
        self._client = client
        self._keys = keys
        self._rules = rules

    async def link(self, link: Link) -> Linked:
        """Carries a link out; raises Retryable where others keep being quicker."""
        for _ in range(ATTEMPTS):
            if await answer_of(self._client.get(UNDOING)) is not None:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            pointers = await self.pointers(link.identifiers)
            people = [each for each in link.identifiers if not pointers[each].shared]
            records = await self._records(people, pointers)
            plan = plan_link(people, _owners(records), self._rules, at=link.evidence.at) if people else None
            if plan and not await self._carry_out(plan, link.evidence, pointers, records):
                continue
            if (linked := await self._settle(plan, link)) is not None:
                return linked
        raise Retryable("Identifiers are being linked by too many others at once.", hint="Try again.")

    async def pointers(self, identifiers: Sequence[Identifier]) -> dict[Identifier, Pointer]:
        """What is known under each identifier's key, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for each in identifiers:
            pipeline.hmget(self._key(each), POINTER)
        answers = await pipeline.execute()
        return {each: read_pointer(*answer) for each, answer in zip(identifiers, answers, strict=True)}

    async def read(self, customer_id: str) -> Record:
        """A customer's hash as it is, not followed."""
        return Record(customer_id, await answer_of(self._client.hgetall(customer_key(customer_id))))

    async def chain(self, customer_id: str) -> list[Record]:
        """A customer and those it has gone into, one after the other; merges that a crash left halfway are finished."""
        records = [await self.read(customer_id)]
        while (into := records[-1].into) is not None:
            if len(records) > ATTEMPTS:
                raise Retryable("A chain of merged customers is too long.", hint="Try again.")
            survivor = await self.read(into)
            if b"by" in records[-1].fields and survivor.lacks(records[-1]):
                await self._absorb(into, records[-1].customer_id)
                survivor = await self.read(into)
            records.append(survivor)
        return records

    async def write(self, record: Record, change: Change) -> bool:
        """Changes a customer; False if it has changed since it was read."""
        pairs = [part for pair in change.put.items() for part in pair]
        arguments = [record.version, len(change.put), *pairs, *change.drop]
        return bool(await WRITE.call(self._client, [customer_key(record.customer_id)], arguments))

    async def _records(self, people: Sequence[Identifier], pointers: Pointers) -> dict[Identifier, Record]:
        """Whoever owns them by now, and for the strongest the customer of its own name if nobody does."""
        wanted = {each: owner for each in people if (owner := pointers[each].owner)}
        if people:
            wanted.setdefault(people[0], self._keys.customer_id(people[0]))
        return {each: (await self.chain(owner))[-1] for each, owner in wanted.items()}

    async def _carry_out(
        self, plan: LinkPlan, evidence: Evidence, pointers: Pointers, records: Mapping[Identifier, Record]
    ) -> bool:
        """Every step may be repeated; False where somebody else was quicker and all must be planned anew."""
        for each in plan.shared:
            if not await self._share(each, evidence, pointers[each]):
                return False
        if not await self._attach(plan.survivor, []):
            return False
        losers = {record.customer_id: record for record in records.values()}
        for loser in plan.merged:
            if not await self._merge(losers[loser.customer_id], plan.survivor.customer_id, evidence):
                return False
        if not await self._take_new(plan, evidence, pointers):
            return False
        target = plan.survivor.customer_id
        calls = [([self._key(each)], [pointers[each].owner or "", target]) for each in plan.attached]
        return all(await POINT.call_many(self._client, calls))

    async def _take_new(self, plan: LinkPlan, evidence: Evidence, pointers: Pointers) -> bool:
        """Identifiers that come with no customer that is merged: each is the survivor's before it is listed there.

        Whoever is outrun has then listed nothing that is somebody else's.
        """
        coming = {each for owner in plan.merged for each in owner.held}
        new = [each for each in plan.attached if each not in coming and each not in plan.survivor.held]
        fields: list[bytes | str] = []
        for each in new:
            via = f"{plan.via.type}:{plan.via.value}" if plan.via and plan.via != each else ""
            fields += (
                identifier_field(each),
                encode(msgspec.structs.replace(evidence, via=via)),
                identifier_field(each),
            )
        target = plan.survivor.customer_id
        calls = [([self._key(each)], [pointers[each].owner or "", target]) for each in new]
        return all(await POINT.call_many(self._client, calls)) and await self._attach(plan.survivor, fields)

    async def _attach(self, owner: Owner, fields: Sequence[bytes | str]) -> bool:
        answer = await ATTACH.call(self._client, [customer_key(owner.customer_id)], [owner.rank, *fields])
        return bool(answer >= 0)

    async def _merge(self, loser: Record, survivor: str, evidence: Evidence) -> bool:
        """Forwards the loser, which decides it, then gives the survivor what it had; its own hash stays as it was."""
        if not loser.fields:
            return True
        merge_id = _merge_id(loser.customer_id, survivor, evidence)
        merge = Merge(merge_id=merge_id, survivor=survivor, loser=loser.customer_id, evidence=evidence)
        await answer_of(self._client.hsetnx(merge_key(merge_id), "l", loser.customer_id))
        arguments = [loser.version, survivor, encode(merge)]
        if not await FORWARD.call(self._client, [customer_key(loser.customer_id)], arguments):
            return False
        await self._absorb(survivor, loser.customer_id)
        return True

    async def _absorb(self, survivor_id: str, loser_id: str) -> None:
        """Gives the survivor, and whoever that has gone into meanwhile, what it lacks of the loser."""
        for _ in range(ATTEMPTS):
            survivor, loser = await self.read(survivor_id), await self.read(loser_id)
            if loser.into != survivor_id or b"by" not in loser.fields:
                return
            merge = msgspec.json.decode(loser.fields[b"by"], type=Merge)
            if await self.write(survivor, absorb(survivor, loser, merge)):
                await answer_of(self._client.sadd(STALE, survivor_id))
                if survivor.into is not None:
                    await self._absorb(survivor.into, survivor_id)
                return
        raise Retryable("A customer is being changed by too many others at once.", hint="Try again.")

    async def _share(self, identifier: Identifier, evidence: Evidence, pointer: Pointer) -> bool:
        """From now on the device is nobody's; a customer of its own stands for it."""
        device, key = self._keys.shared_id(identifier), self._keys.partition_key(identifier)
        why = encode(msgspec.structs.replace(evidence, rule="shared_device"))
        field = identifier_field(identifier)
        await self._attach(Owner(SHARED_RANK, device), [field, why, field])
        opened = fragment_key(fragment_id(key, len(pointer.epochs)))
        epochs = "".join(f"{each} " for each in pointer.epochs)
        return bool(await SHARE.call(self._client, [identifier_key(key), opened], [epochs, device, why]))

    async def _settle(self, plan: LinkPlan | None, link: Link) -> Linked | None:
        """Gives the partition key's open fragment to whoever owns its identifier now: usually the survivor.

        None where somebody else was quicker and all must be planned anew.
        """
        by_key = {self._keys.partition_key(each): each for each in link.identifiers}
        identifier = by_key.get(link.partition_key)
        if identifier is None:
            survivor = plan.survivor.customer_id if plan else self._keys.shared_id(link.identifiers[0])
            return Linked(await self._customer(survivor))
        pointer = (await self.pointers([identifier]))[identifier]
        person = self._keys.partition_key(plan.attached[0]) if plan and plan.attached and pointer.shared else ""
        owner = plan.survivor.customer_id if plan and person else pointer.owner or self._keys.customer_id(identifier)
        record = (await self.chain(owner))[-1]
        its, proof = identifier_field(plan.attached[0] if plan and person else identifier), encode(link.evidence)
        homeless = not person and (pointer.owner is None or f"d:{its}".encode() in record.fields)
        if homeless:
            record = (await self.chain(self._keys.customer_id(identifier)))[-1]
        known = read_owner(record, STRENGTH[identifier.type])
        fields: list[bytes | str] = [f"f:{fragment_id(link.partition_key, len(pointer.epochs), person)}", proof, its]
        if homeless:
            await self._attach(known, [])
            if not await POINT.call(self._client, [self._key(identifier)], [pointer.owner or "", known.customer_id]):
                return None
            fields += (its, proof, its)
        if not await self._attach(known, fields):
            return None
        return Linked(await self._customer(known.customer_id), pointer.epochs, person)

    async def _customer(self, customer_id: str) -> Customer:
        record = (await self.chain(customer_id))[-1]
        return read_customer(record.customer_id, record.fields)

    def _key(self, identifier: Identifier) -> str:
        return identifier_key(self._keys.partition_key(identifier))


def _owners(records: Mapping[Identifier, Record]) -> dict[Identifier, Owner]:
    return {each: read_owner(record, STRENGTH[each.type]) for each, record in records.items()}


def _merge_id(loser: str, survivor: str, evidence: Evidence) -> str:
    """Derived, so that a repeated step is the same step."""
    text = f"{loser} {survivor} {evidence.rule} {evidence.source}"
    return "m" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
