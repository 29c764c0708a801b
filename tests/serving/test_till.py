"""A till's queued receipts over HTTP: late, shuffled and twice, beside a twin who was told of at once."""

from datetime import datetime, timedelta
from typing import Any

from rtp.clock import system_clock
from tests.serving.conftest import Applied, Shop

LINE = {"product_id": "p1", "quantity": 2, "price": "2.50"}
DAY: list[tuple[str, dict[str, Any]]] = [
    ("Loyalty Card Scanned", {}),
    ("Product Viewed", {"product_id": "p2"}),
    ("Product Added", {**LINE, "product_id": "p3"}),
    ("Order Completed", {"products": [LINE], "revenue": 5}),
    ("Loyalty Points Earned", {"points": 5}),
    ("Order Cancelled", {}),
    ("Order Completed", {"products": [LINE], "revenue": 7}),
]


def receipts(shopper: str, opened: datetime) -> list[dict[str, Any]]:
    made = []
    for number, (event, properties) in enumerate(DAY):
        order = {"order_id": f"{shopper}-o{min(number, 5)}"} if event.startswith("Order") else {}
        order = {"order_id": f"{shopper}-o3"} if event == "Order Cancelled" else order
        made.append(
            {
                "type": "track",
                "messageId": f"{shopper}-{number}",
                "event": event,
                "timestamp": (opened + timedelta(minutes=10 * number)).isoformat(),
                "properties": properties | order,
                "context": {"channel": "store", "storeId": "s1", "traits": {"loyaltyId": shopper}},
            }
        )
    return made


async def test_the_features_are_those_of_a_till_that_was_on_line(shop: Shop, applied: Applied) -> None:
    opened = system_clock() - timedelta(hours=5)
    for receipt in receipts("L-online", opened):
        await shop.send("batch", batch=[receipt], sentAt=system_clock().isoformat())
        await applied()
    slow = timedelta(days=400)
    queued = receipts("L-offline", opened - slow)
    shuffled = [queued[place] for place in (6, 5, 3, 0, 3, 4, 2, 6, 1)]
    for part in (shuffled[:4], shuffled[4:], shuffled):
        await shop.send("batch", batch=part, sentAt=(system_clock() - slow).isoformat())
    await applied()
    online, offline = [await shop.profile(f"loyalty_id:{each}", "/features") for each in ("L-online", "L-offline")]
    exact = [name for name, value in online["customer_live"].items() if isinstance(value, str | list | int)]
    times = {name for name in exact if name == "as_of" or (name.startswith("last_") and name.endswith("_at"))}
    for name in set(exact) - times:
        assert offline["customer_live"][name] == online["customer_live"][name], name
    assert offline["customer_live"]["orders_24h"] == 1
    assert offline["customer_live"]["last_bought_products"] == ["p1"]
