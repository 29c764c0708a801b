"""Linking what is not linked yet: small idempotent steps, each on one key, so that a crash between two of them is
repaired by repeating the whole."""

from collections.abc import Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from rtp.errors import Retryable
from rtp.identity.fragments import fragment_id
from rtp.identity.graph import Link, Linked
from rtp.identity.identifiers import STRENGTH
from rtp.identity.keys import KeyedHash
from rtp.identity.rules import LinkPlan, Owner, plan_link
from rtp.identity.types import Identifier
from rtp.stores.identity_keys import customer_key, fragment_key, identifier_field, identifier_key, read_customer
from rtp.stores.identity_scripts import ATTACH, FORWARD, MOVE, POINT
from rtp.stores.outage import answer_of

ATTEMPTS = 20

Record = Mapping[bytes, bytes]


class IdentityMerge:
    """The slow half of the identity graph on Redis."""

    def __init__(self, client: Redis, keys: KeyedHash) -> None:
        self._client = client
        self._keys = keys

    async def link(self, link: Link) -> Linked:
        """Carries a link out; raises Retryable where others keep being quicker."""
        for _ in range(ATTEMPTS):
            named = await self._named(link.identifiers)
            plan = plan_link(link.identifiers, await self._owners(link.identifiers, named))
            if await self._carry_out(plan, link, named):
                return await self._settle(plan.survivor, link)
        raise Retryable("Identifiers are being linked by too many others at once.", hint="Try again.")

    async def link_unseen(self, links: Sequence[Link], indexes: Sequence[int]) -> dict[int, Linked]:
        """Links shoppers nobody has heard of, many in three round trips; leaves out what must go the slow way."""
        alone = _disjoint(links, indexes)
        owners = {index: self._keys.customer_id(links[index].identifiers[0]) for index in alone}
        attached = await ATTACH.call_many(self._client, [_attach_call(owners[index], links[index]) for index in alone])
        alone = [index for index, answer in zip(alone, attached, strict=True) if answer != -1]
        pointed = await POINT.call_many(
            self._client,
            [([self._key(each)], ["", owners[index]]) for index in alone for each in links[index].identifiers],
        )
        answers = iter(pointed)
        alone = [index for index in alone if 0 not in [next(answers) for _ in links[index].identifiers]]
        pipeline = self._client.pipeline(transaction=False)
        for index in alone:
            pipeline.hgetall(customer_key(owners[index]))
        records = await pipeline.execute()
        return {
            index: Linked(read_customer(owners[index], record)) for index, record in zip(alone, records, strict=True)
        }

    async def follow(self, customer_id: str) -> tuple[str, Record]:
        """The customer that an id stands for by now, and its hash."""
        for _ in range(ATTEMPTS):
            record: Record = await answer_of(self._client.hgetall(customer_key(customer_id)))
            if b"into" not in record:
                return customer_id, record
            customer_id = record[b"into"].decode()
        raise Retryable("A chain of merged customers is too long.", hint="Try again.")

    async def _named(self, identifiers: Sequence[Identifier]) -> dict[Identifier, str]:
        """The customer ids that the identifiers name, not followed."""
        pipeline = self._client.pipeline(transaction=False)
        for each in identifiers:
            pipeline.hget(self._key(each), "c")
        answers = await pipeline.execute()
        return {each: name.decode() for each, name in zip(identifiers, answers, strict=True) if name}

    async def _owners(
        self, identifiers: Sequence[Identifier], named: Mapping[Identifier, str]
    ) -> dict[Identifier, Owner]:
        wanted = {identifiers[0]: self._keys.customer_id(identifiers[0]), **named}
        owners = {}
        for each, customer_id in wanted.items():
            found, record = await self.follow(customer_id)
            owners[each] = Owner(int(record.get(b"rank", STRENGTH[each.type])), found)
        return owners

    async def _carry_out(self, plan: LinkPlan, link: Link, named: Mapping[Identifier, str]) -> bool:
        """Every step may be repeated; False where somebody else was quicker and all must be planned anew."""
        proof = msgspec.json.encode(link.evidence)
        fields = [part for each in plan.attached for part in (identifier_field(each), proof)]
        if not await self._attach(plan.survivor, fields):
            return False
        for loser in plan.merged:
            if not await self._absorb(loser, plan.survivor, proof):
                return False
        target = plan.survivor.customer_id
        pointed = [([self._key(each)], [named.get(each, ""), target]) for each in plan.attached]
        if not all(await POINT.call_many(self._client, pointed)):
            return False
        for each in plan.moved:
            if not await self._move(each, named[each], target, link.evidence.at):
                return False
        return True

    async def _attach(self, owner: Owner, fields: Sequence[bytes | str]) -> bool:
        answer = await ATTACH.call(self._client, [customer_key(owner.customer_id)], [owner.rank, *fields])
        return bool(answer != -1)

    async def _absorb(self, loser: Owner, survivor: Owner, proof: bytes) -> bool:
        """Copies what the loser has, then forwards it; its own hash stays as it was, so that this can be undone."""
        record: Record = await answer_of(self._client.hgetall(customer_key(loser.customer_id)))
        if not record:
            return True
        fields: list[bytes | str] = [f"m:{loser.customer_id}", proof]
        for field, value in record.items():
            if field.startswith((b"f:", b"i:", b"m:", b"g:")):
                fields += (field, value)
        if not await self._attach(survivor, fields):
            return False
        copied = [record.get(b"v", b"0"), survivor.customer_id]
        return bool(await FORWARD.call(self._client, [customer_key(loser.customer_id)], copied))

    async def _move(self, identifier: Identifier, owner: str, survivor: str, at: int) -> bool:
        key = self._keys.partition_key(identifier)
        epochs = (await answer_of(self._client.hget(identifier_key(key), "e")) or b"").decode()
        fragment = fragment_key(fragment_id(key, len(epochs.split())))
        arguments = [owner, survivor, epochs, at]
        return bool(await MOVE.call(self._client, [identifier_key(key), fragment], arguments))

    async def _settle(self, survivor: Owner, link: Link) -> Linked:
        """Gives the partition key's open fragment to whoever owns its identifier now: usually the survivor."""
        name, closed = survivor.customer_id, ()
        if link.partition_key:
            owner, epochs = await answer_of(self._client.hmget(identifier_key(link.partition_key), ["c", "e"]))
            name, closed = (owner or name.encode()).decode(), tuple((epochs or b"").decode().split())
            field = f"f:{fragment_id(link.partition_key, len(closed))}"
            name, record = await self.follow(name)
            rank = int(record.get(b"rank", survivor.rank))
            if not await self._attach(Owner(rank, name), [field, msgspec.json.encode(link.evidence)]):
                return await self._settle(survivor, link)
        name, record = await self.follow(name)
        return Linked(read_customer(name, record), closed)

    def _key(self, identifier: Identifier) -> str:
        return identifier_key(self._keys.partition_key(identifier))


def _disjoint(links: Sequence[Link], indexes: Sequence[int]) -> list[int]:
    """Those that share no identifier with one before them."""
    taken: set[Identifier] = set()
    alone = []
    for index in indexes:
        if taken.isdisjoint(links[index].identifiers):
            alone.append(index)
        taken.update(links[index].identifiers)
    return alone


def _attach_call(customer_id: str, link: Link) -> tuple[list[str], list[bytes | str | int]]:
    proof = msgspec.json.encode(link.evidence)
    arguments: list[bytes | str | int] = [STRENGTH[link.identifiers[0].type], f"f:{link.partition_key}", proof]
    for each in link.identifiers:
        arguments += (identifier_field(each), proof)
    return [customer_key(customer_id)], arguments
