"""The cart: kept as its newest movements, read by replaying them in order of time.

Keeping movements and not quantities is what makes late and repeated arrivals harmless: a removal is a tombstone
that also covers an addition that arrives after it but happened before.
"""

from typing import Any

import msgspec

from rtp.features import commerce
from rtp.features.accumulators import DAY, Newest
from rtp.features.definition import once
from rtp.signals.event import Event

EVERYTHING = ""
"""The product id of a tombstone for the whole cart."""
GONE = 0
"""The quantity of a tombstone."""


class CartLine(msgspec.Struct, frozen=True):
    """What is in the cart of one product."""

    product_id: str
    quantity: int
    price: int | None
    """Cents for one unit, as last told; None if never told."""


def movements(event: Event) -> list[list[Any]]:
    """[at, message id, product id, quantity (negative: taken out; 0: all gone), cents or -1] of an event."""
    if event.name == commerce.PRODUCT_ADDED:
        return _entries(event, {line.product_id: (line.quantity, line.price) for line in commerce.product_lines(event)})
    if event.name == commerce.PRODUCT_REMOVED:
        told = "quantity" in event.properties
        lines = commerce.product_lines(event)
        return _entries(event, {line.product_id: (-line.quantity if told else GONE, None) for line in lines})
    if event.name in {commerce.ORDER_COMPLETED, commerce.CART_CLEARED}:
        bought = [line.product_id for line in commerce.product_lines(event)] or [EVERYTHING]
        return _entries(event, dict.fromkeys(bought, (GONE, None)))
    return []


def _entries(event: Event, changes: dict[str, tuple[int, int | None]]) -> list[list[Any]]:
    return [
        [event.occurred_at, event.message_id, product_id, quantity, -1 if price is None else price]
        for product_id, (quantity, price) in changes.items()
    ]


CART = Newest(
    "cart", movements, key=slice(0, 3), limit=200, horizon=30 * DAY,
    on=frozenset({commerce.PRODUCT_ADDED, commerce.PRODUCT_REMOVED, commerce.ORDER_COMPLETED, commerce.CART_CLEARED}),
)  # fmt: skip


@once
def cart_lines(state: list[list[Any]], _now: int) -> list[CartLine]:
    """What lies in the cart, in the order in which it was first put there."""
    lines: dict[str, CartLine] = {}
    for _, _, product_id, quantity, price in state:
        if product_id == EVERYTHING:
            lines.clear()
            continue
        had = lines.get(product_id)
        left = (had.quantity if had else 0) + quantity
        if quantity == GONE or left <= 0:
            lines.pop(product_id, None)
        else:
            known = price if price >= 0 else (had.price if had else None)
            lines[product_id] = CartLine(product_id, left, known)
    return list(lines.values())


def cart_products(state: list[list[Any]], now: int) -> list[str]:
    """The product ids in the cart, the one put there last first."""
    return [line.product_id for line in reversed(cart_lines(state, now))]


def cart_value(state: list[list[Any]], now: int) -> int | None:
    """What the cart costs, in cents; None if a price in it was never told."""
    lines = cart_lines(state, now)
    if any(line.price is None for line in lines):
        return None
    return sum((line.price or 0) * line.quantity for line in lines)
