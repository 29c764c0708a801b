"""The identity graph on Redis."""

from collections.abc import Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from rtp.identity.fragments import fragment_id
from rtp.identity.graph import Link, Linked
from rtp.identity.identifiers import STRENGTH, strongest_first
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Customer, Evidence, Identifier
from rtp.stores.identity_keys import customer_key, identifier_field, identifier_key, read_customer
from rtp.stores.identity_merge import IdentityMerge
from rtp.stores.identity_scripts import ATTACH, POINT
from rtp.stores.outage import answer_of, outage_is_retryable

SEED_CHUNK = 500
MOST_HINTS = 100_000

Record = Mapping[bytes, bytes]
Row = tuple[str, Sequence[Identifier]]


class _Probe(msgspec.Struct):
    """What Redis says about a link."""

    epochs: bytes | None
    owners: list[bytes | None]
    """Of each identifier."""
    record: Record
    """Of the customer guessed."""

    def unchanged(self, link: Link, guess: str) -> Linked | None:
        """What the link comes to if it is all known and belongs to the customer guessed."""
        if b"into" in self.record or any(owner != guess.encode() for owner in self.owners):
            return None
        closed = tuple((self.epochs or b"").decode().split())
        wanted = {f"f:{fragment_id(link.partition_key, len(closed))}", *map(identifier_field, link.identifiers)}
        if not all(each.encode() in self.record for each in wanted):
            return None
        return Linked(read_customer(guess, self.record), closed)


class RedisIdentityGraph:
    """IdentityGraph on Redis."""

    def __init__(self, client: Redis, keys: KeyedHash) -> None:
        self._client = client
        self._keys = keys
        self._merge = IdentityMerge(client, keys)
        self._hints: dict[str, str] = {}

    async def resolve(self, identifier: Identifier) -> str | None:
        """See IdentityGraph."""
        with outage_is_retryable("resolving an identifier"):
            owner = await answer_of(self._client.hget(self._key(identifier), "c"))
            return (await self._merge.follow(owner.decode()))[0] if owner else None

    async def customer(self, customer_id: str) -> Customer | None:
        """See IdentityGraph."""
        return (await self.customers([customer_id]))[0]

    async def customers(self, customer_ids: Sequence[str]) -> list[Customer | None]:
        """See IdentityGraph."""
        pipeline = self._client.pipeline(transaction=False)
        for each in customer_ids:
            pipeline.hgetall(customer_key(each))
        with outage_is_retryable("reading customers"):
            records = await pipeline.execute()
            return [await self._survivor(each, record) for each, record in zip(customer_ids, records, strict=True)]

    async def _survivor(self, customer_id: str, record: Record) -> Customer | None:
        if b"into" in record:
            customer_id, record = await self._merge.follow(customer_id)
        return read_customer(customer_id, record) if record else None

    async def link(self, links: Sequence[Link]) -> list[Linked]:
        """See IdentityGraph. Whose a partition key was last time is a guess that saves a round trip, no more."""
        with outage_is_retryable("linking identifiers"):
            done: dict[int, Linked] = {}
            unseen = await self._link_known(links, list(range(len(links))), done)
            done |= await self._merge.link_unseen(links, unseen)
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
            guess, owners = self._hints.get(links[index].partition_key, ""), set(probe.owners)
            linked = probe.unchanged(links[index], guess)
            if linked is not None:
                done[index] = linked
            elif owners == {None}:
                unseen.append(index)
            elif len(owners) == 1 and (owner := (owners.pop() or b"").decode()) != guess:
                self._remember(links[index], owner)
                guessed_wrong.append(index)
        if guessed_wrong:
            await self._link_known(links, guessed_wrong, done)
        return unseen

    def _remember(self, link: Link, customer_id: str) -> None:
        if len(self._hints) >= MOST_HINTS:
            self._hints.clear()
        self._hints[link.partition_key] = customer_id

    async def _probe(self, links: Sequence[Link]) -> list[_Probe]:
        pipeline = self._client.pipeline(transaction=False)
        for each in links:
            pipeline.hget(identifier_key(each.partition_key), "e")
            for identifier in each.identifiers:
                pipeline.hget(self._key(identifier), "c")
            pipeline.hgetall(customer_key(self._hints.get(each.partition_key, "unknown")))
        answers = iter(await pipeline.execute())
        return [_Probe(next(answers), [next(answers) for _ in each.identifiers], next(answers)) for each in links]

    async def seed(self, rows: Sequence[Row], evidence: Evidence) -> int:
        """See IdentityGraph. What live events have linked otherwise is merged by the same rules."""
        made = 0
        with outage_is_retryable("loading customers"):
            for start in range(0, len(rows), SEED_CHUNK):
                made += await self._seed([row for row in rows[start : start + SEED_CHUNK] if row[1]], evidence)
        return made

    async def _seed(self, rows: Sequence[Row], evidence: Evidence) -> int:
        pipeline = self._client.pipeline(transaction=False)
        for _, identifiers in rows:
            for each in identifiers:
                pipeline.hget(self._key(each), "c")
        owners = iter(await pipeline.execute())
        clear: list[Row] = []
        contested: list[Row] = []
        for row in rows:
            found = {next(owners) for _ in row[1]} - {None, row[0].encode()}
            (contested if found else clear).append(row)
        made = await self._seed_clear(clear, evidence)
        for _, identifiers in contested:
            await self._merge.link(Link("", strongest_first(identifiers), evidence))
        return made

    async def _seed_clear(self, rows: Sequence[Row], evidence: Evidence) -> int:
        proof = msgspec.json.encode(evidence)
        attached = []
        for customer_id, identifiers in rows:
            arguments: list[bytes | str | int] = [min(STRENGTH[each.type] for each in identifiers)]
            for each in identifiers:
                arguments += (identifier_field(each), proof)
            attached.append(([customer_key(customer_id)], arguments))
        answers = await ATTACH.call_many(self._client, attached)
        pointed = [([self._key(each)], ["", customer_id]) for customer_id, ids in rows for each in ids]
        await POINT.call_many(self._client, pointed)
        return sum(answer == 1 for answer in answers)

    def _key(self, identifier: Identifier) -> str:
        return identifier_key(self._keys.partition_key(identifier))
