"""The identity graph on Redis."""

from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from rtp.identity.config import IdentityRules
from rtp.identity.fragments import fragment_id
from rtp.identity.graph import Link, Linked
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Customer, Dossier, Evidence, Identifier, Merge
from rtp.stores.connections import answers, read_hash
from rtp.stores.identity_keys import STALE, customer_key, identifier_field, identifier_key
from rtp.stores.identity_merge import POINTER, IdentityMerge, Pointer, read_pointer
from rtp.stores.identity_records import Fields, read_customer, read_dossier
from rtp.stores.identity_seed import Row, seed
from rtp.stores.identity_undo import IdentityUndo
from rtp.stores.identity_unseen import link_unseen
from rtp.stores.outage import answer_of, outage_is_retryable
from rtp.stores.wire import Command

MOST_HINTS = 100_000


class _Probe(msgspec.Struct):
    """What Redis says about a link."""

    keys: list[str]
    """Partition keys of its identifiers."""
    pointers: list[Pointer]
    """Of each identifier."""
    record: Fields
    """Of the customer guessed."""

    @property
    def owners(self) -> set[str | None]:
        """Of the identifiers that say who it was; of the devices where none does."""
        people = {each.owner for each in self.pointers if not each.shared}
        return people or {each.owner for each in self.pointers}


class RedisIdentityGraph:
    """IdentityGraph on Redis."""

    def __init__(self, client: Redis, keys: KeyedHash, rules: IdentityRules = IdentityRules()) -> None:  # noqa: B008 - frozen
        self._client = client
        self._keys = keys
        self._rules = rules
        self._merge = IdentityMerge(client, keys, rules)
        self._undo = IdentityUndo(client, keys, self._merge)
        self._hints: dict[str, str] = {}

    async def resolve(self, identifier: Identifier) -> str | None:
        """See IdentityGraph."""
        with outage_is_retryable("resolving an identifier"):
            owner = await answer_of(self._client.hget(self._key(identifier), "c"))
            return (await self._merge.chain(owner.decode()))[-1].customer_id if owner else None

    async def customer(self, customer_id: str) -> Customer | None:
        """See IdentityGraph."""
        return (await self.customers([customer_id]))[0]

    async def customers(self, customer_ids: Sequence[str]) -> list[Customer | None]:
        """See IdentityGraph."""
        with outage_is_retryable("reading customers"):
            found = await answers(self._client, [("HGETALL", customer_key(each)) for each in customer_ids])
            records = map(read_hash, found)
            return [await self._survivor(each, record) for each, record in zip(customer_ids, records, strict=True)]

    async def _survivor(self, customer_id: str, fields: Fields) -> Customer | None:
        if b"into" in fields:
            record = (await self._merge.chain(customer_id))[-1]
            customer_id, fields = record.customer_id, record.fields
        return read_customer(customer_id, fields) if fields else None

    async def dossier(self, customer_id: str) -> Dossier | None:
        """See IdentityGraph."""
        with outage_is_retryable("reading a customer"):
            record = (await self._merge.chain(customer_id))[-1]
            return read_dossier(record) if record.fields else None

    async def undo(self, merge_id: str, evidence: Evidence) -> Merge:
        """See IdentityGraph."""
        with outage_is_retryable("undoing a merge"):
            return await self._undo.undo(merge_id, evidence)

    async def apart(self) -> list[tuple[str, str]]:
        """See IdentityGraph."""
        with outage_is_retryable("reading who is set apart"):
            return await self._undo.apart()

    async def stale(self) -> list[str]:
        """See IdentityGraph."""
        with outage_is_retryable("reading whose rows are stale"):
            names = sorted(each.decode() for each in await answer_of(self._client.smembers(STALE)))
            found = dict(zip(names, await self.customers(names), strict=True)) if names else {}
            done = [name for name, customer in found.items() if customer is None or not customer.stale]
            if done:
                await answer_of(self._client.srem(STALE, *done))
            return [name for name in names if name not in done]

    async def forget_stale(self, customer: Customer) -> None:
        """See IdentityGraph."""
        with outage_is_retryable("noting what is projected"):
            fields = [f"u:{each}" for each in customer.stale]
            await answer_of(self._client.hdel(customer_key(customer.customer_id), *fields))

    async def link(self, links: Sequence[Link]) -> list[Linked]:
        """See IdentityGraph. Whose a partition key was last time is a guess that saves a round trip, no more."""
        with outage_is_retryable("linking identifiers"):
            done: dict[int, Linked] = {}
            unseen = await self._link_known(links, list(range(len(links))), done)
            if unseen:
                done |= await link_unseen(self._client, self._keys, links, unseen)
            for index, each in enumerate(links):
                if index not in done:
                    done[index] = await self._merge.link(each)
                self._remember(each, done[index].customer.customer_id)
            return [done[index] for index in range(len(links))]

    async def _link_known(self, links: Sequence[Link], wanted: Sequence[int], done: dict[int, Linked]) -> list[int]:
        """Finds the links that change nothing: in one round trip if guessed right, in two otherwise.

        Gives those of whose identifiers nobody has heard.
        """
        unseen, guessed_wrong = [], []
        for index, probe in zip(wanted, await self._probe([links[each] for each in wanted]), strict=True):
            guess, owners = self._hints.get(_hint(links[index]), ""), probe.owners
            linked = self._unchanged(links[index], probe, guess)
            if linked is not None:
                done[index] = linked
            elif all(pointer.owner is None for pointer in probe.pointers):
                unseen.append(index)
            elif len(owners) == 1 and (owner := owners.pop() or "") != guess:
                self._remember(links[index], owner)
                guessed_wrong.append(index)
        if guessed_wrong:
            await self._link_known(links, guessed_wrong, done)
        return unseen

    def _unchanged(self, link: Link, probe: _Probe, guess: str) -> Linked | None:
        """What a link comes to if it is all known and belongs to the customer guessed."""
        if b"into" in probe.record or probe.owners != {guess}:
            return None
        people = [each for each, at in zip(link.identifiers, probe.pointers, strict=True) if not at.shared]
        wanted = [identifier_field(each) for each in people]
        person, epochs = "", tuple[str, ...]()
        if link.partition_key in probe.keys:
            pointer = probe.pointers[probe.keys.index(link.partition_key)]
            if pointer.shared and people:
                person = self._keys.partition_key(min(people, key=lambda one: self._rules.priority[one.type]))
            epochs = pointer.epochs
            wanted.append(f"f:{fragment_id(link.partition_key, len(epochs), person)}")
        if not all(each.encode() in probe.record for each in wanted):
            return None
        return Linked(read_customer(guess, probe.record), epochs, person)

    def _remember(self, link: Link, customer_id: str) -> None:
        if len(self._hints) >= MOST_HINTS:
            self._hints.clear()
        self._hints[_hint(link)] = customer_id

    async def _probe(self, links: Sequence[Link]) -> list[_Probe]:
        commands: list[Command] = []
        keys = [[self._keys.partition_key(identifier) for identifier in each.identifiers] for each in links]
        for each, own in zip(links, keys, strict=True):
            commands += (("HMGET", identifier_key(key), *POINTER) for key in own)
            commands.append(("HGETALL", customer_key(self._hints.get(_hint(each), "unknown"))))
        found = iter(await answers(self._client, commands))
        return [_Probe(own, [read_pointer(*next(found)) for _ in own], read_hash(next(found))) for own in keys]

    async def seed(self, rows: Sequence[Row], evidence: Evidence) -> int:
        """See IdentityGraph. What live events have linked otherwise is merged by the same rules."""
        with outage_is_retryable("loading customers"):
            return await seed(self._client, self._keys, self._merge, rows, evidence)

    def _key(self, identifier: Identifier) -> str:
        return identifier_key(self._keys.partition_key(identifier))


def _hint(link: Link) -> str:
    """What a guess is remembered by: a shared device is used by one after the other."""
    return f"{link.partition_key} {link.identifiers[0].value}"
