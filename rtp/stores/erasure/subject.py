"""Who is meant: from one identifier to every name that state is kept under, on line and in the lake."""

import asyncio
from collections.abc import Iterable, Mapping

import duckdb
from redis.asyncio import Redis

from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import Spelling, normalize
from rtp.identity.types import Identifier, IdentifierType
from rtp.profile.erasure import Subject
from rtp.signals.feeds.schema_sql import literal
from rtp.stores.erasure.lake import parquet_files
from rtp.stores.feeds.session import feed_session
from rtp.stores.identity_keys import customer_key, identifier_key
from rtp.stores.identity_records import read_customer
from rtp.stores.lake import Lake
from rtp.stores.outage import answer_of, outage_is_retryable

CONTACTS = (IdentifierType.USER_ID, IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.LOYALTY_ID)

Record = Mapping[bytes, bytes]


class SubjectFinder:
    """Collects a Subject. What was merged belongs to it, what others share with it does not."""

    def __init__(self, client: Redis, lake: Lake, keys: KeyedHash, *, spelling: Spelling) -> None:
        self._client = client
        self._lake = lake
        self._keys = keys
        self._spelling = spelling

    async def of(self, identifier: Identifier) -> Subject:
        """The person that an identifier names, whether or not anything is known of it."""
        subject = self._named([identifier])
        while True:
            found = subject.joined(await self._on_line(subject))
            found = found.joined(await asyncio.to_thread(self._in_lake, found))
            if found == subject:
                return found
            subject = found

    async def of_customer(self, customer_id: str) -> Subject:
        """The person that a customer id stands for."""
        subject = Subject(customer_ids=frozenset([customer_id])).joined(
            await self._on_line(Subject(customer_ids=frozenset([customer_id])))
        )
        for each in subject.identifiers:
            subject = subject.joined(await self.of(each))
        return subject

    def _named(self, identifiers: Iterable[Identifier]) -> Subject:
        several = list(identifiers)
        return Subject(
            identifiers=frozenset(several),
            customer_ids=frozenset(map(self._keys.customer_id, several)),
            partition_keys=frozenset(map(self._keys.partition_key, several)),
        )

    async def _on_line(self, subject: Subject) -> Subject:
        with outage_is_retryable("looking a customer up"):
            owners = [await self._owner(key) for key in sorted(subject.partition_keys)]
            wanted = {*subject.customer_ids, *(each for each in owners if each)}
            found = Subject(customer_ids=frozenset(wanted))
            for customer_id in sorted(wanted):
                record: Record = await answer_of(self._client.hgetall(customer_key(customer_id)))
                found = found.joined(await self._of_record(customer_id, record))
            return found

    async def _of_record(self, customer_id: str, record: Record) -> Subject:
        customer = read_customer(customer_id, record)
        related = {name[2:].decode() for name in record if name.startswith(b"a:")}
        if b"into" in record:
            related.add(record[b"into"].decode())
        own: set[str] = set()
        shared: set[str] = set()
        for fragment in customer.fragments:
            key = fragment.partition(".")[0]
            (shared if await self._is_shared(key) else own).add(fragment)
        identifiers = [
            each for each in customer.identifiers if not await self._is_shared(self._keys.partition_key(each))
        ]
        return self._named(identifiers).joined(
            Subject(
                customer_ids=frozenset(related),
                partition_keys=frozenset(fragment.partition(".")[0] for fragment in own),
                fragments=frozenset(shared),
            )
        )

    async def _owner(self, key: str) -> str | None:
        owner = await answer_of(self._client.hget(identifier_key(key), "c"))
        return owner.decode() if owner else None

    async def _is_shared(self, key: str) -> bool:
        """A device that several people have used."""
        return bool(await answer_of(self._client.hexists(identifier_key(key), "s")))

    def _in_lake(self, subject: Subject) -> Subject:
        """References and contacts that the feeds give, as resolved for the last build and as loaded since."""
        references = {
            tuple(each.value.split(":", 1)) for each in subject.identifiers if each.type is IdentifierType.CUSTOMER_REF
        }
        identifiers, texts = set(subject.identifiers), set(subject.texts)
        with feed_session() as connection:
            references |= _linked(connection, self._lake, subject)
            for row in _customer_rows(connection, self._lake, references, subject):
                references.add((row["source"], row["customer_ref"]))
                identifiers |= self._contacts(row)
                texts |= {row[name] for name in ("email", "phone", "street") if row[name]}
        identifiers |= {Identifier(IdentifierType.CUSTOMER_REF, f"{source}:{ref}") for source, ref in references}
        return self._named(identifiers).joined(
            Subject(references=frozenset((source, ref) for source, ref in references), texts=frozenset(texts))
        )

    def _contacts(self, row: Mapping[str, str]) -> set[Identifier]:
        found = {normalize(kind, row[kind], spelling=self._spelling) for kind in CONTACTS if row[kind]}
        return {each for each in found if each is not None}


def _linked(connection: duckdb.DuckDBPyConnection, lake: Lake, subject: Subject) -> set[tuple[str, ...]]:
    path = lake.identity_link("customer_link")
    if not path.exists() or not subject.customer_ids:
        return set()
    query = f"select source, customer_ref from read_parquet({literal(str(path))}) where list_contains($1, customer_id)"
    return {(row[0], row[1]) for row in connection.execute(query, [sorted(subject.customer_ids)]).fetchall()}


def _customer_rows(
    connection: duckdb.DuckDBPyConnection, lake: Lake, references: set[tuple[str, ...]], subject: Subject
) -> list[dict[str, str]]:
    """Rows of the customers feed that bear a reference or a contact of the subject."""
    files = [str(path) for path in parquet_files(lake.feed("customers"))]
    if not files:
        return []
    columns = ["source", "customer_ref", "user_id", "email", "phone", "loyalty_id", "street"]
    contacts = sorted({each.value for each in subject.identifiers if each.type in CONTACTS})
    query = f"""
        select {", ".join(columns)} from read_parquet($files, union_by_name = true)
        where list_contains($refs, source || ':' || customer_ref)
           or list_contains($contacts, user_id) or list_contains($contacts, lower(trim(email)))
           or list_contains($contacts, loyalty_id) or list_contains($contacts, phone)
    """
    refs = sorted(":".join(each) for each in references)
    rows = connection.execute(query, {"files": files, "refs": refs, "contacts": contacts}).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]
