"""What is on the shelves of the miniature retailer on the evening of its last day."""

import random
from collections.abc import Sequence
from datetime import date, timedelta

from rtp.simulation.sample.catalogue import Product

INVENTORY_COLUMNS = ("store_id", "product_id", "counted_at", "quantity", "basis")
INBOUND_COLUMNS = ("store_id", "product_id", "expected_at", "quantity")
HOLDING = ("S01", "S02", "WH1")


def stock_rows(
    rng: random.Random, products: Sequence[Product], last_day: date
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Counts and expected deliveries: some articles are sold out, some nearly; those are on their way."""
    counts: list[tuple[object, ...]] = []
    inbound: list[tuple[object, ...]] = []
    for store in HOLDING:
        for product in products:
            level = rng.random()
            quantity = 0 if level < 0.07 else rng.randint(1, 3) if level < 0.17 else rng.randint(8, 60)
            quantity *= 10 if store == "WH1" and quantity > 3 else 1
            counts.append((store, product.product_id, f"{last_day}T22:00:00Z", quantity, "on_hand"))
            if quantity <= 3 and rng.random() < 0.7:
                due = last_day + timedelta(days=rng.randint(1, 5))
                inbound.append((store, product.product_id, f"{due}T11:00:00Z", rng.randint(12, 48)))
    return counts, inbound
