"""The archive folded again is what is served; whatever was tampered with is named."""

from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from rtp.features.accumulators import DAY
from rtp.profile.projector import Projector
from rtp.stores.archive_sample import some_customers
from rtp.stores.archive_schema import prepare_archives
from rtp.stores.identity_keys import fragment_key
from rtp.stores.lake import Lake
from tests.making import NOON, event, user_key
from tests.profile.shop import Shop, busy_shop


@pytest.fixture
async def shop(redis_client: redis.asyncio.Redis, tmp_path: Path) -> Shop:
    return await busy_shop(redis_client, tmp_path / "lake")


async def test_what_the_worker_serves_is_what_the_archive_gives(shop: Shop) -> None:
    counted = await shop.recounted()
    assert (counted.customers, counted.fragments, counted.waiting) == (5, 5, 0)
    assert counted.passed
    assert counted.differences == {}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"live": {"events_total": 99, "acts": 99}}, "events_total"),
        ({"live": {"orders": [[NOON, "o1", 1, 1]]}}, "sales_value_decayed_7d"),
        ({"applied": 77}, "fragment applied"),
        ({"seen": ()}, "fragment seen"),
    ],
)
async def test_a_fragment_that_was_tampered_with_is_caught_and_the_feature_named(
    shop: Shop, changes: dict[str, Any], named: str
) -> None:
    await shop.tamper("u1", **changes)
    counted = await shop.recounted()
    assert not counted.passed
    assert counted.differing == 1
    assert counted.differences[named] == 1
    assert not any(user_key("u1") in name for name in counted.differences), "no identifier is shown"


async def test_a_served_row_that_is_not_what_the_state_gives_is_caught(shop: Shop) -> None:
    customer = some_customers(shop.lake, 1, draw="x")[0]
    await shop.online.write("customer_live", [({"customer_id": customer}, NOON + 9 * DAY, {"as_of": NOON + DAY})])
    counted = await shop.recounted()
    assert counted.differing == 1
    assert counted.differences["customer_live:last_event_at"] == 1


async def test_an_event_missing_from_the_archive_is_caught(shop: Shop) -> None:
    await shop.sees(event("lost", user_id="u1"), archived=False)
    await shop.sees(event("kept", user_id="u1"))
    assert (await shop.recounted()).differences["fragment applied"] == 1


async def test_what_is_not_archived_yet_is_no_difference(shop: Shop) -> None:
    await shop.sees(event("new", user_id="u1"), archived=False)
    counted = await shop.recounted()
    assert (counted.passed, counted.waiting, counted.fragments) == (True, 1, 4)


async def test_a_shopper_who_goes_on_while_we_look_is_looked_at_again(shop: Shop) -> None:
    """The row is behind at the first look and has caught up at the second."""
    customer = some_customers(shop.lake, 1, draw="x")[0]
    (row,) = await shop.online.read([{"customer_id": customer}], ["customer_live:as_of"])
    await shop.online.write("customer_live", [({"customer_id": customer}, NOON + 9 * DAY, {})])

    async def catch_up(_seconds: float) -> None:
        shop.clock.now = NOON + 10 * DAY
        await Projector(shop.graph, shop.fragments, shop.online, shop.clock).project([customer])

    assert row["customer_live:as_of"] is not None
    assert (await shop.recounted(sleep=catch_up)).passed


@pytest.mark.parametrize(("who", "passes"), [({"user_id": None, "anonymous_id": "a"}, True), ({"user_id": "x"}, False)])
async def test_a_fragment_that_expired_and_came_back_has_forgotten_and_only_an_anonymous_one_may(
    shop: Shop, who: dict[str, str | None], passes: bool
) -> None:
    await shop.sees(event("before", **who))
    await shop.client.delete(fragment_key(user_key(next(filter(None, who.values())))))
    await shop.sees(event("after", received_at=NOON + 91 * DAY, **who))
    assert (await shop.recounted()).passed is passes


def test_an_empty_archive_is_no_reason_to_worry(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    prepare_archives(lake)
    assert some_customers(lake, 10, draw="x") == []
