"""Consent at its source: the customer's fragments, and what the feeds said."""

from collections.abc import Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from rtp.errors import Retryable
from rtp.identity.identifiers import STRENGTH
from rtp.identity.types import IdentifierType
from rtp.profile.consent import Consent, Grant, Purpose, Status, combine_grants
from rtp.profile.store import FragmentStore
from rtp.stores.identity_keys import customer_key, read_customer
from rtp.stores.identity_scripts import ATTACH
from rtp.stores.outage import answer_of, outage_is_retryable

MOST_MERGES = 20
SEED_CHUNK = 1_000


class SeedConsent(msgspec.Struct, frozen=True):
    """One consent that a feed states."""

    customer_id: str
    purpose: Purpose
    channel: str
    status: Status
    at: int
    """Microseconds since 1970 UTC."""
    source: str


class RedisConsent:
    """ConsentReader on Redis: two round trips, one more for each merge."""

    def __init__(self, client: Redis, fragments: FragmentStore) -> None:
        self._client = client
        self._fragments = fragments

    async def read(self, customer_id: str) -> Consent:
        """See ConsentReader."""
        with outage_is_retryable("reading consent"):
            record = await self._record(customer_id)
        fragments = await self._fragments.load(read_customer(customer_id, record).fragments)
        return Consent(combine_grants([_stated(record), *(each.state.consent for each in fragments)]))

    async def seed(self, rows: Sequence[SeedConsent]) -> None:
        """Loads what feeds state; may be repeated, and never outweighs a later word."""
        with outage_is_retryable("loading consent"):
            for start in range(0, len(rows), SEED_CHUNK):
                chunk = rows[start : start + SEED_CHUNK]
                answers = await ATTACH.call_many(self._client, [_call(each, each.customer_id) for each in chunk])
                for each in [row for row, answer in zip(chunk, answers, strict=True) if answer == -1]:
                    await ATTACH.call(self._client, *_call(each, await self._survivor(each.customer_id)))

    async def _record(self, customer_id: str) -> Mapping[bytes, bytes]:
        for _ in range(MOST_MERGES):
            record: Mapping[bytes, bytes] = await answer_of(self._client.hgetall(customer_key(customer_id)))
            if b"into" not in record:
                return record
            customer_id = record[b"into"].decode()
        raise Retryable("A chain of merged customers is too long.", hint="Try again.")

    async def _survivor(self, customer_id: str) -> str:
        for _ in range(MOST_MERGES):
            into = await answer_of(self._client.hget(customer_key(customer_id), "into"))
            if into is None:
                return customer_id
            customer_id = into.decode()
        raise Retryable("A chain of merged customers is too long.", hint="Try again.")


def _call(row: SeedConsent, customer_id: str) -> tuple[list[str], list[str | int]]:
    """The whole statement is the field's name: then a merge may copy fields, and the last word is found on reading."""
    field = f"g:{row.purpose}/{row.channel}:{row.at}:{row.status}:{row.source}"
    return [customer_key(customer_id)], [STRENGTH[IdentifierType.CUSTOMER_REF], field, ""]


def _stated(record: Mapping[bytes, bytes]) -> dict[str, Grant]:
    return combine_grants(_grant(field.decode()) for field in record if field.startswith(b"g:"))


def _grant(field: str) -> dict[str, Grant]:
    _, key, at, status, source = field.split(":", 4)
    return {key: Grant("granted" if status == "granted" else "denied", int(at), source)}
