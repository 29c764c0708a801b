"""Rows written field by field are, byte for byte, the rows that are written whole."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from rtp.stores.feast_layout import entity_key
from rtp.stores.online_store import RedisOnlineStore

AT = 1_790_000_000_123_456
VIEW = "customer_live"
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "events_total": st.none() | st.integers(-3, 3),
        "cart_value": st.none() | st.sampled_from([0, 127, 128, 2**40]),
        "views_decayed_7d": st.none() | st.sampled_from([0, 0.0, -0.0, 1, 1.0, 0.1, float("nan")]),
        "last_view_at": st.none() | st.integers(AT - 2_000_000, AT),
        "cart_products": st.none() | st.lists(st.sampled_from(["a", "", "ü"]), max_size=3),
        "current_channel": st.none() | st.sampled_from(["", "web", "store"]),
    },
)
WRITES = st.lists(
    st.tuples(
        st.sampled_from(["one worker", "another", "forgets", "erased"]), st.sampled_from("ab"), st.integers(0, 4), ROWS
    ),
    max_size=12,
)


async def everything(client: Redis, project: str) -> list[dict[bytes, bytes]]:
    keys: list[Any] = [entity_key(project, {"customer_id": name}) for name in "ab"]
    return [await client.hgetall(key) for key in keys]  # type: ignore[misc]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES)
async def test_whoever_writes_what_remembering_or_not_the_bytes_are_the_same(
    redis_client: Redis, writes: list[tuple[str, str, int, dict[str, Any]]]
) -> None:
    await redis_client.flushdb()
    whole = RedisOnlineStore(redis_client, "whole")
    sizes = {"one worker": 10, "another": 10, "forgets": 1}
    stores = {name: RedisOnlineStore(redis_client, "parts", remembered=size) for name, size in sizes.items()}
    for place, (writer, customer, step, row) in enumerate(writes):
        if writer == "erased":
            keys: list[Any] = [entity_key(project, {"customer_id": customer}) for project in ("whole", "parts")]
            await redis_client.delete(*keys)
            continue
        # Each writer's times are its own: of two rows of one microsecond nobody could say which is the newer.
        rows = [({"customer_id": customer}, AT + 1_000 * (place + step) + list(sizes).index(writer), row)]
        assert await stores[writer].write(VIEW, rows) == await whole.write(VIEW, rows)
        assert await everything(redis_client, "parts") == await everything(redis_client, "whole")


async def test_only_what_changed_is_sent(redis_client: Redis) -> None:
    store, alice = RedisOnlineStore(redis_client, remembered=10), {"customer_id": "a"}
    await store.write(VIEW, [(alice, AT, {"events_total": 1, "cart_value": 5})])
    key: Any = entity_key("rtp", alice)
    await redis_client.hdel(key, *[each for each in await redis_client.hkeys(key) if not each.startswith(b"_ts")])  # type: ignore[misc]
    await store.write(VIEW, [(alice, AT + 1, {"events_total": 2, "cart_value": 5})])
    assert await redis_client.hlen(key) == 2  # type: ignore[misc]
    [row] = await store.read([alice], [f"{VIEW}:events_total", f"{VIEW}:_ts"])
    assert list(row.values()) == [2, AT + 1]


@pytest.mark.parametrize("writers", [1, 2])
async def test_writes_under_way_together_leave_the_newest_whole(redis_client: Redis, writers: int) -> None:
    stores = [RedisOnlineStore(redis_client, remembered=10) for _ in range(writers)]
    alice = {"customer_id": "a"}
    rows = [(alice, AT + n, {"events_total": n // 3, "cart_value": n % 3}) for n in (0, 2, 1, 5, 4, 3, 9, 8, 7, 6)]
    await asyncio.gather(*(stores[n % writers].write(VIEW, [row]) for n, row in enumerate(rows)))
    [row] = await stores[0].read([alice], [f"{VIEW}:events_total", f"{VIEW}:cart_value", f"{VIEW}:_ts"])
    assert list(row.values()) == [3, 0, AT + 9]
