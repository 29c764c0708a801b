"""Consent read where it is written."""

import pytest
import redis.asyncio

from rtp.identity.graph import Link
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.profile.consent import Purpose
from rtp.profile.folding import Incoming, fold_entries
from rtp.profile.store import Save
from rtp.signals.event import LogEntry
from rtp.stores.consent_redis import RedisConsent, SeedConsent
from rtp.stores.fragments_redis import RedisFragments
from rtp.stores.identity_redis import RedisIdentityGraph
from tests.making import KEYS, NOON, event, user_key

USER = Identifier(IdentifierType.USER_ID, "u1")
DEVICE = Identifier(IdentifierType.ANONYMOUS_ID, "a1")
U1, STRANGER = KEYS.customer_id(USER), KEYS.customer_id(DEVICE)


@pytest.fixture
def consent(redis_client: redis.asyncio.Redis) -> RedisConsent:
    return RedisConsent(redis_client, RedisFragments(redis_client))


def seed(status: str, at: int, customer: str = U1) -> SeedConsent:
    return SeedConsent(customer, Purpose.MARKETING, "email", status, at, "crm:eu")  # type: ignore[arg-type]


async def say(client: redis.asyncio.Redis, key: str, status: str, at: int) -> None:
    properties = {"purpose": "marketing", "channel": "email", "status": status}
    said = event(f"m{at}", "Consent Changed", occurred_at=at, received_at=at, properties=properties)
    store = RedisFragments(client)
    (before,) = await store.load([key])
    folded = fold_entries(before, [Incoming(LogEntry(0, f"{at // 1000}-0", key, said))]).fragment
    assert await store.save([Save(fragment_id=key, before=before, after=folded)]) == [True]


async def link(client: redis.asyncio.Redis, key: str, *identifiers: Identifier) -> None:
    await RedisIdentityGraph(client, KEYS).link([Link(key, identifiers, Evidence("test", "m", NOON))])


async def test_nobody_ever_said_anything(consent: RedisConsent) -> None:
    assert (await consent.read("c0")).grants == {}


async def test_feeds_and_events_are_weighed_by_time(consent: RedisConsent, redis_client: redis.asyncio.Redis) -> None:
    await link(redis_client, user_key(), USER)
    await consent.seed([seed("granted", NOON), seed("granted", NOON)])
    assert (await consent.read(U1)).allows(Purpose.MARKETING, "email")
    await say(redis_client, user_key(), "denied", NOON + 5_000)
    assert not (await consent.read(U1)).allows(Purpose.MARKETING, "email")
    await consent.seed([seed("granted", NOON + 4_000)])
    assert not (await consent.read(U1)).allows(Purpose.MARKETING, "email")
    await consent.seed([seed("granted", NOON + 6_000)])
    assert (await consent.read(U1)).allows(Purpose.MARKETING, "email")


async def test_what_was_said_before_a_login_counts_after_it(
    consent: RedisConsent, redis_client: redis.asyncio.Redis
) -> None:
    device = KEYS.partition_key(DEVICE)
    await link(redis_client, device, DEVICE)
    await consent.seed([seed("granted", NOON, STRANGER)])
    await say(redis_client, device, "denied", NOON + 5_000)
    await link(redis_client, user_key(), USER, DEVICE)
    for name in (U1, STRANGER):
        (grant,) = (await consent.read(name)).grants.values()
        assert (grant.status, grant.at) == ("denied", NOON + 5_000)
    await consent.seed([seed("granted", NOON + 9_000, STRANGER)])
    assert (await consent.read(U1)).allows(Purpose.MARKETING, "email")


async def test_the_stricter_word_counts_after_a_merge_and_each_has_their_own_again_once_it_is_undone(
    consent: RedisConsent, redis_client: redis.asyncio.Redis
) -> None:
    graph, device = RedisIdentityGraph(redis_client, KEYS), KEYS.partition_key(DEVICE)
    await link(redis_client, device, DEVICE)
    await say(redis_client, device, "denied", NOON - 9_000)
    await link(redis_client, user_key(), USER)
    await say(redis_client, user_key(), "granted", NOON - 5_000)
    assert (await consent.read(U1)).allows(Purpose.MARKETING, "email")
    await link(redis_client, user_key(), USER, DEVICE)
    assert not (await consent.read(U1)).allows(Purpose.MARKETING, "email"), "though it was said before the yes"
    await consent.seed([seed("granted", NOON + 9_000, STRANGER)])
    assert (await consent.read(U1)).allows(Purpose.MARKETING, "email"), "a new word counts as ever"
    dossier = await graph.dossier(U1)
    assert dossier is not None
    await graph.undo(dossier.merges[0].merge_id, Evidence("undo", "tests", NOON))
    (ann,) = (await consent.read(U1)).grants.values()
    assert (ann.status, ann.at) == ("granted", NOON - 5_000)
    (stranger,) = (await consent.read(STRANGER)).grants.values()
    assert (stranger.status, stranger.at) == ("granted", NOON + 9_000), "what a feed said of them since is theirs"
