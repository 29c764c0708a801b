"""Reading shopping out of events: Segment's e-commerce names, product lines, money in cents."""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from rtp.signals.event import Event
from rtp.signals.vocabulary import DONE_TO_SHOPPERS

PRODUCT_VIEWED = "Product Viewed"
PRODUCT_ADDED = "Product Added"
PRODUCT_REMOVED = "Product Removed"
PRODUCTS_SEARCHED = "Products Searched"
ORDER_COMPLETED = "Order Completed"
ORDER_CANCELLED = "Order Cancelled"
CART_CLEARED = "Cart Cleared"

LARGEST_AMOUNT = Decimal(10000000000)
"""Beyond this an amount is a mistake, and would not fit the stored integers for long."""

LONGEST_ID = 128
"""A longer product id is none: kept for every line of a cart, it would let one sender fill the memory."""


class Line(msgspec.Struct, frozen=True):
    """One product in an event."""

    product_id: str
    quantity: int
    price: int | None
    """Cents for one unit; None if the sender did not say."""
    category: str | None = None


def is_track(event: Event, name: str) -> bool:
    """Whether the event is this one of Segment's e-commerce events."""
    return event.type == "track" and event.name == name


def is_meaningful(event: Event) -> bool:
    """Whether the shopper did something that may change what to offer next.

    Pages and identifications carry no intent of their own; what was shown or sent to a shopper is no act of theirs.
    """
    return event.type == "track" and event.name not in DONE_TO_SHOPPERS


def is_activity(event: Event) -> bool:
    """Whether the shopper was there: any act, page or screen."""
    return event.type in {"track", "page", "screen", "identify"} and event.name not in DONE_TO_SHOPPERS


def cents(amount: Any) -> int | None:
    """An amount of money in cents, exactly, from a number or text; None if it is not one. Half a cent goes to even."""
    if isinstance(amount, bool) or not isinstance(amount, int | float | str | Decimal):
        return None
    try:
        parsed = Decimal(str(amount).strip())
    except InvalidOperation:
        return None
    if not parsed.is_finite() or abs(parsed) > LARGEST_AMOUNT:
        return None
    return int((parsed * 100).to_integral_value())


def product_line(properties: dict[str, Any]) -> Line | None:
    """The product that properties speak of, or None where they name none."""
    product_id = text(properties.get("product_id", properties.get("productId")))
    if product_id is None or len(product_id) > LONGEST_ID:
        return None
    return Line(
        product_id=product_id,
        quantity=_quantity(properties.get("quantity")),
        price=cents(properties.get("price")),
        category=text(properties.get("category")),
    )


def product_lines(event: Event) -> list[Line]:
    """The products of an event: its `products`, else the one in its properties. Unreadable lines are left out.

    Of the event last asked about it is remembered: half a dozen features ask one after the other.
    """
    global _last_read  # noqa: PLW0603 - replaced whole, so that threads see one event's lines or another's
    known = _last_read
    if known is None or known[0] is not event:
        known = _last_read = (event, _product_lines(event))
    return known[1]


_last_read: tuple[Event, list[Line]] | None = None


def _product_lines(event: Event) -> list[Line]:
    products = event.properties.get("products")
    if isinstance(products, list):
        return [line for item in products if isinstance(item, dict) and (line := product_line(item)) is not None]
    line = product_line(event.properties)
    return [] if line is None else [line]


def reservation_ids(event: Event) -> list[str]:
    """The stock reservations that an order says it was made from: its own, and those of its products."""
    products = event.properties.get("products")
    named = [
        event.properties,
        *([item for item in products if isinstance(item, dict)] if isinstance(products, list) else []),
    ]
    found = [text(item.get("reservation_id", item.get("reservationId"))) for item in named]
    return [reservation for reservation in dict.fromkeys(found) if reservation]


def order_id(event: Event) -> str:
    """The order's id; the message's where the sender gave none."""
    return text(event.properties.get("order_id", event.properties.get("orderId"))) or event.message_id


def order_value(event: Event) -> int | None:
    """What the order brought, in cents: `revenue` (without shipping and tax), else `total`, `value`, its lines."""
    for name in ("revenue", "total", "value"):
        amount = cents(event.properties.get(name))
        if amount is not None:
            return amount
    lines = product_lines(event)
    if not lines or any(line.price is None for line in lines):
        return None
    return sum((line.price or 0) * line.quantity for line in lines)


def text(value: Any) -> str | None:
    """An id or name as text; numbers are taken as written; None for everything else and for the empty text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip() or None


def ordered(event: Event) -> list[list[Any]]:
    """The order of an event, as [at, order id, 1 placed or 0 cancelled, cents or -1 unknown]."""
    if is_track(event, ORDER_COMPLETED):
        value = order_value(event)
        return [[event.occurred_at, order_id(event), 1, -1 if value is None else value]]
    if is_track(event, ORDER_CANCELLED):
        return [[event.occurred_at, order_id(event), 0, -1]]
    return []


def _quantity(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return 1
    try:
        quantity = Decimal(str(value).strip())
    except InvalidOperation:
        return 1
    return int(quantity) if quantity.is_finite() and 1 <= quantity < 1_000_000 else 1
