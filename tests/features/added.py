"""Adds the feature of the guide to the list, in a process of its own, and looks for it wherever features are read."""

import asyncio
import re
import sys
from typing import Any

import msgspec

from rtp.features import live_features
from rtp.settings import checkout_root

GUIDE = checkout_root() / "docs" / "features.md"
CUSTOMER = {"customer_id": "c0123456789abcdef01234567"}


def example() -> Any:
    """The definition that the guide shows, made where the others are."""
    section = GUIDE.read_text().split("## Adding a live feature")[1].split("\n## ")[0]
    [code] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return eval(code, vars(live_features))  # noqa: S307 - our own guide


async def found(redis_url: str) -> dict[str, Any]:
    """What each reader says of the feature after one event. Nothing is imported before the feature is in the list."""
    from rtp.decisioning.live_columns import LIVE_COLUMNS, live_values
    from rtp.decisioning.shopper import REFERENCES
    from rtp.decisioning.vector import FEATURES
    from rtp.features.feast_api import OnlineFeaturesRequest, get_online_features
    from rtp.features.live import empty_state, fold, project
    from rtp.features.past import rows_at
    from rtp.features.views import CUSTOMER_LIVE
    from rtp.settings import load_settings
    from rtp.stores.connections import connect
    from rtp.stores.feast_objects import feast_view
    from rtp.stores.lake import Lake
    from rtp.stores.online_store import RedisOnlineStore
    from tests.features.events import NOW, track

    event = track("Coupon Entered")
    row = project(fold(empty_state(), event), NOW)
    client = connect(redis_url)
    try:
        store = RedisOnlineStore(client)
        await store.write("customer_live", [(CUSTOMER, NOW, row)])
        request = OnlineFeaturesRequest(
            entities={"customer_id": [CUSTOMER["customer_id"]]}, features=["customer_live:coupons_24h"]
        )
        answer = await get_online_features(store, request)
    finally:
        await client.aclose()
    view = feast_view(CUSTOMER_LIVE, Lake(load_settings().lake_dir))
    [then] = rows_at([event], [event.received_at + 1_000_000])
    learned = dict(zip(LIVE_COLUMNS, live_values(then, NOW // 1_000_000 + 1).tolist(), strict=True))
    return {
        "fold and projection": row["coupons_24h"],
        "Feast": next(str(field.dtype) for field in view.schema if field.name == "coupons_24h"),
        "look-up": answer.results[1].values[0],
        "decision reads it": "customer_live:coupons_24h" in REFERENCES,
        "in the vector": "live_coupons_24h" in FEATURES,
        "training": learned["live_coupons_24h"],
    }


if __name__ == "__main__":
    live_features.LIVE_FEATURES += (example(),)
    sys.stdout.write(msgspec.json.encode(asyncio.run(found(sys.argv[1]))).decode())
