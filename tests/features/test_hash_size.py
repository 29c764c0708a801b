"""A busy shopper's features stay in the encoding of Redis that takes a third of the memory."""

from functools import reduce

import redis.asyncio

from rtp.features.live import empty_state, fold, project
from rtp.features.types import FeatureType
from rtp.features.views import CUSTOMER_PROFILE
from rtp.stores.feast_layout import entity_key
from rtp.stores.online_store import RedisOnlineStore
from tests.features.events import NOW, track

CUSTOMER = {"customer_id": "c0123456789abcdef01234567"}
TYPICAL = {
    FeatureType.INT: 123456, FeatureType.FLOAT: 0.123, FeatureType.TIME: NOW, FeatureType.TEXT: "FROZEN PIZZA, SNACKS",
    FeatureType.TEXTS: ["SOFT DRINKS", "FLUID MILK PRODUCTS"],
}  # fmt: skip


async def test_a_busy_shoppers_hash_keeps_the_compact_encoding(redis_client: redis.asyncio.Redis) -> None:
    products = [{"product_id": f"10{n:05}", "price": n + 1, "category": f"A LONG CATEGORY {n:03}"} for n in range(60)]
    events = [
        *(track("Product Viewed", message=f"v{n}", at=NOW - n, **line) for n, line in enumerate(products)),
        *(track("Product Added", message=f"a{n}", at=NOW - n, **line) for n, line in enumerate(products)),
        *(track("Promotion Viewed", message=f"o{n}", at=NOW - n, offer_id=f"a-long-offer-{n:04}") for n in range(60)),
        track("Order Completed", message="o", order_id="o", products=products[:40]),
    ]
    row = project(reduce(fold, events, empty_state()), NOW)
    store = RedisOnlineStore(redis_client)
    profile = {feature.name: TYPICAL[feature.type] for feature in CUSTOMER_PROFILE.features}
    await store.write("customer_profile", [(CUSTOMER, NOW, profile)])
    await store.write("customer_live", [(CUSTOMER, NOW, row)])
    key = entity_key("rtp", CUSTOMER)
    assert await redis_client.object("encoding", key) in {b"listpack", b"ziplist"}  # type: ignore[misc, no-untyped-call]
    assert await redis_client.hlen(key) == len(CUSTOMER_PROFILE.features) + 1 + len(row) + 1  # type: ignore[misc]
