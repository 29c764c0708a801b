"""A process that dies after any one command of a merge, or of its undoing: trying again mends it all."""

from collections.abc import Awaitable, Callable

import pytest
import redis.asyncio

from rtp.clock import from_micros
from rtp.identity.graph import Link
from rtp.identity.identifiers import partitioning, strongest_first
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.profile.folding import Incoming, fold_entries
from rtp.profile.projector import Projector
from rtp.profile.store import Save
from rtp.profile.unmerge import undo_merge
from rtp.signals.event import LogEntry
from rtp.stores import identity_undo
from rtp.stores.fragments_redis import RedisFragments
from rtp.stores.identity_keys import STALE
from rtp.stores.identity_redis import RedisIdentityGraph
from rtp.stores.online_store import RedisOnlineStore
from tests.crashing import Crashed, CrashingRedis
from tests.making import KEYS, NOON, event

ANN, BOB = (Identifier(IdentifierType.USER_ID, name) for name in ("ann", "bob"))
EMAIL = Identifier(IdentifierType.EMAIL, "ann@shop.example")
LOYALTY = Identifier(IdentifierType.LOYALTY_ID, "L1")
DEVICE = Identifier(IdentifierType.ANONYMOUS_ID, "a1")
UNDO = Evidence("undo", "tests", NOON)

Client = redis.asyncio.Redis
Work = Callable[[Client], Awaitable[object]]
State = dict[bytes, object]


async def link(client: Client, *identifiers: Identifier, number: int = 0) -> None:
    ordered = strongest_first(identifiers)
    key = KEYS.partition_key(partitioning(ordered) or ordered[0])
    graph = RedisIdentityGraph(client, KEYS)
    linked = (await graph.link([Link(key, ordered, Evidence("same_event", f"m{number}", NOON + number))]))[0]
    await projector(client).project([linked.customer.customer_id])


def projector(client: Client) -> Projector:
    graph = RedisIdentityGraph(client, KEYS)
    return Projector(graph, RedisFragments(client), RedisOnlineStore(client), lambda: from_micros(NOON))


async def looked_at_a_product(client: Client, identifier: Identifier) -> None:
    await link(client, identifier)
    key = KEYS.partition_key(identifier)
    store = RedisFragments(client)
    (before,) = await store.load([key])
    entry = LogEntry(0, "100-0", key, event("m1", properties={"productId": "p1"}))
    after = fold_entries(before, [Incoming(entry)]).fragment
    await store.save([Save(fragment_id=key, before=before, after=after)])
    await link(client, identifier)


async def two_customers(client: Client) -> None:
    await looked_at_a_product(client, DEVICE)
    await looked_at_a_product(client, ANN)
    await link(client, ANN, EMAIL)


async def merge(client: Client) -> None:
    await link(client, ANN, DEVICE, number=5)


async def merged_and_gone_on(client: Client) -> None:
    await two_customers(client)
    await merge(client)
    await link(client, LOYALTY, DEVICE, number=6)


async def undo(client: Client) -> None:
    graph = RedisIdentityGraph(client, KEYS)
    merge_id = await only_merge(client)
    await undo_merge(graph, projector(client), merge_id, UNDO)


async def only_merge(client: Client) -> str:
    """The id is on the operator's screen: looking it up is no step of undoing."""
    plain = client._client if isinstance(client, CrashingRedis) else client
    found = await RedisIdentityGraph(plain, KEYS).dossier(KEYS.customer_id(DEVICE))
    assert found is not None
    (merge,) = found.merges
    return merge.merge_id


async def below_another(client: Client) -> None:
    """The device's customer went into the e-mail's, and that one into Ann."""
    await looked_at_a_product(client, DEVICE)
    await looked_at_a_product(client, EMAIL)
    await link(client, EMAIL, DEVICE, number=5)
    await link(client, ANN, EMAIL, number=6)


async def undo_below(client: Client) -> None:
    plain = client._client if isinstance(client, CrashingRedis) else client
    found = await RedisIdentityGraph(plain, KEYS).dossier(KEYS.customer_id(ANN))
    device = await RedisIdentityGraph(plain, KEYS).dossier(KEYS.customer_id(DEVICE))
    assert found is not None
    assert device is not None
    merge_id = next(each.merge_id for each in (*found.merges, *device.merges) if each.loser == KEYS.customer_id(DEVICE))
    await undo_merge(RedisIdentityGraph(client, KEYS), projector(client), merge_id, UNDO)


async def owned_by_ann(client: Client) -> None:
    await looked_at_a_product(client, DEVICE)
    await link(client, ANN, DEVICE, number=5)


async def share(client: Client) -> None:
    await link(client, BOB, DEVICE, number=6)


async def everything(client: Client) -> State:
    """All that Redis holds, but for the counters of changes and the list of whom to look at."""
    found: State = {}
    for key in set(await client.keys("*")) - {STALE.encode()}:
        if await client.type(key) == b"hash":
            fields = await client.hgetall(key)  # type: ignore[misc]
            found[key] = {name: value for name, value in fields.items() if name != b"v"}
        else:
            found[key] = await client.smembers(key)  # type: ignore[misc]
    return found


@pytest.fixture(autouse=True)
def without_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is at work here."""
    monkeypatch.setattr(identity_undo, "GRACE_SECONDS", 0.0)


@pytest.mark.parametrize(
    ("before", "step"),
    [(two_customers, merge), (merged_and_gone_on, undo), (below_another, undo_below), (owned_by_ann, share)],
    ids=["merge", "undo", "undo below another merge", "share a device"],
)
async def test_dying_after_any_command_and_trying_again_ends_the_same(
    redis_client: Client, before: Work, step: Work
) -> None:
    await before(redis_client)
    start = {key: await redis_client.dump(key) for key in await redis_client.keys("*")}
    await step(redis_client)
    expected = await everything(redis_client)
    await step(redis_client)
    assert await everything(redis_client) == expected, "doing it again changes nothing"
    for after in range(500):
        await redis_client.flushdb()
        for key, dumped in start.items():
            await redis_client.restore(key, 0, dumped)
        died = await dies(step, CrashingRedis(redis_client, after=after))
        await step(redis_client)
        assert await everything(redis_client) == expected, f"died after {after} commands"
        if not died:
            assert after > 8
            return
    pytest.fail("It never ended.")


async def dies(step: Work, client: CrashingRedis) -> bool:
    try:
        await step(client)  # type: ignore[arg-type]
    except Crashed:
        return True
    return False
