"""Consent at its source: the customer's fragments, and what the feeds said."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from rtp.errors import Retryable
from rtp.identity.identifiers import STRENGTH
from rtp.identity.types import IdentifierType
from rtp.profile.consent import Consent, Grant, Grants, Purpose, Status, combine_grants
from rtp.profile.merged_consent import Side, consent_of
from rtp.profile.store import FragmentStore
from rtp.stores.identity_keys import customer_key
from rtp.stores.identity_records import Record
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
            record = Record(customer_id, await self._record(customer_id))
        words = {f"g:{name}": _grant(name) for name in record.named(b"g:")}
        names = sorted(record.named(b"f:"))
        for name, fragment in zip(names, await self._fragments.load(names), strict=True):
            words[f"f:{name}"] = fragment.state.consent
        return Consent(consent_of(_side(record, None, words)))

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
    """The whole statement is the field's name: then a merge may copy fields, and the last word is found on reading.

    Its value is whom it is about, so that undoing a merge finds what was stated since.
    """
    field = f"g:{row.purpose}/{row.channel}:{row.at}:{row.status}:{row.source}"
    return [customer_key(customer_id)], [STRENGTH[IdentifierType.CUSTOMER_REF], field, row.customer_id, field]


def _side(record: Record, customer_id: str | None, words: Mapping[str, Grants]) -> Side:
    """What a customer said who was merged into this one, or (None) the one that it is by now."""
    joined = {
        loser: each
        for loser, each in record.absorbed.items()
        if each.merge.survivor == customer_id or (customer_id is None and each.merge.survivor not in record.absorbed)
    }
    mine: Iterable[str] = record.absorbed[customer_id].fields if customer_id else words
    theirs = {field for each in joined.values() for field in each.fields}
    return Side(
        combine_grants(words[field] for field in mine if field in words and field not in theirs),
        tuple((each.merge.evidence.at, _side(record, loser, words)) for loser, each in joined.items()),
    )


def _grant(statement: str) -> Grants:
    key, at, status, source = statement.split(":", 3)
    return {key: Grant("granted" if status == "granted" else "denied", int(at), source)}
