"""Customers that a build has merged: their rows follow, though no event comes."""

import redis.asyncio

from rtp.identity.graph import Link
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.worker.rows import StaleRows
from tests.making import KEYS, NOON, event, user_key
from tests.worker.test_processing import U1, House, entry

EMAIL = Identifier(IdentifierType.EMAIL, "ann@b.test")
USER = Identifier(IdentifierType.USER_ID, "u1")


async def test_rows_of_customers_that_a_build_merged_are_written_anew(redis_client: redis.asyncio.Redis) -> None:
    house = House(redis_client)
    other = KEYS.customer_id(EMAIL)
    by_email = event("m1", user_id=None, traits={"email": EMAIL.value})
    await house.counted(entry(1, by_email, KEYS.partition_key(EMAIL)), entry(2, event("m2"), user_key()))
    assert [house.online.customer(each)["product_views_24h"] for each in (U1, other)] == [1, 1]
    await house.graph.link([Link("", (USER, EMAIL), Evidence("batch_feed", "crm 1", NOON))])
    rows = StaleRows(house.graph, house.processor._projector)
    assert await rows.sweep() == 1
    assert [house.online.customer(each)["product_views_24h"] for each in (U1, other)] == [2, None]
    assert await rows.sweep() == 0
