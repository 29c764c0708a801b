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
            known = await self._linked(links)
            return [found or await self._link(each) for each, found in zip(links, known, strict=True)]

    async def _link(self, link: Link) -> Linked:
        linked = await self._merge.link(link)
        if len(self._hints) >= MOST_HINTS:
            self._hints.clear()
        self._hints[link.partition_key] = linked.customer.customer_id
        return linked

    async def _linked(self, links: Sequence[Link]) -> list[Linked | None]:
        """The customers of links that change nothing, in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for each in links:
            pipeline.hget(identifier_key(each.partition_key), "e")
            for identifier in each.identifiers:
                pipeline.hget(self._key(identifier), "c")
            pipeline.hgetall(customer_key(self._hints.get(each.partition_key, "unknown")))
        answers = iter(await pipeline.execute())
        return [
            self._unchanged(each, next(answers), [next(answers) for _ in each.identifiers], next(answers))
            for each in links
        ]

    def _unchanged(self, link: Link, epochs: bytes | None, owners: list[bytes | None], record: Record) -> Linked | None:
        hint = self._hints.get(link.partition_key, "")
        closed = tuple((epochs or b"").decode().split())
        wanted = {f"f:{fragment_id(link.partition_key, len(closed))}", *map(identifier_field, link.identifiers)}
        if b"into" in record or any(owner != hint.encode() for owner in owners):
            return None
        return Linked(read_customer(hint, record), closed) if all(each.encode() in record for each in wanted) else None

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
