"""The events that mean something here: Segment's names, and ours for the till, loyalty, service and fulfilment.

One place says of each name which source sends it, which channel it belongs to where the sender names none, whether
the shopper did it or it was done to them, and which properties it cannot do without. Any other name is accepted as an
event of the retailer's own: kept, counted as the shopper's act, and looked at by nobody.
"""

import math
from enum import StrEnum
from typing import Any, Literal

import msgspec

CONSENT_CHANGED = "Consent Changed"
"""A `track` event with properties purpose, channel ("all" for each), status, at (ISO 8601) and source."""
PAGE_ENGAGED = "Page Engaged"
"""What a page tells when it is left: `scrollDepth` in percent and `dwellMs` in milliseconds of being looked at."""

Source = Literal["browse", "cart", "order", "fulfilment", "email", "message", "ads", "service", "loyalty", "store"]
Kind = Literal["id", "number", "text", "purpose"]


class Purpose(StrEnum):
    """What the data may be used for."""

    PERSONALIZATION = "personalization"
    MARKETING = "marketing"
    ADS = "ads"
    SALE = "sale"
    ANALYTICS = "analytics"


class EventSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of all events of one name."""

    name: str
    source: Source
    channel: str = "web"
    """Where it happened, if `context.channel` does not say."""
    by_shopper: bool = True
    """False for exposures, deliveries, opens and fulfilment: what was done to a shopper moves no moment of theirs."""
    required: dict[str, Kind] = {}
    """Properties without which the event says nothing; names in snake_case, camelCase is read too."""
    withdraws: str = ""
    """The consent, as "purpose/channel", that it takes back."""


class BadProperty(Exception):
    """A property that is missing or cannot be what it should be."""

    def __init__(self, name: str, message: str, *, missing: bool) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.missing = missing


_ORDER: dict[str, Kind] = {"order_id": "id"}
_TICKET: dict[str, Kind] = {"ticket_id": "id"}
_POINTS: dict[str, Kind] = {"points": "number"}


def _specs(source: Source, *names: str, **more: Any) -> list[EventSpec]:
    return [EventSpec(name=name, source=source, **more) for name in names]


SPECS: tuple[EventSpec, ...] = (
    *_specs(
        "browse", "Products Searched", "Product List Filtered", "Promotion Clicked", "Product Clicked",
        "Product Viewed", "Product Shared", "Product Reviewed", "Product Added to Wishlist",
        "Product Removed from Wishlist", "Wishlist Product Added to Cart", PAGE_ENGAGED,
    ),
    *_specs(
        "browse", "Product List Viewed", "Promotion Viewed", "Experiment Viewed", "Decision Viewed", "Impression",
        by_shopper=False,
    ),
    *_specs("browse", "Application Opened", "Application Installed", channel="app"),
    *_specs("browse", CONSENT_CHANGED, required={"purpose": "purpose"}),
    *_specs(
        "cart", "Product Added", "Product Removed", "Cart Viewed", "Cart Shared", "Cart Cleared", "Checkout Started",
        "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered", "Coupon Entered", "Coupon Applied",
        "Coupon Denied", "Coupon Removed",
    ),
    # An order without an id is taken: its message id then stands for it.
    *_specs("order", "Order Completed"),
    *_specs("order", "Order Updated", "Order Cancelled", "Order Refunded", "Order Returned", required=_ORDER),
    *_specs(
        "fulfilment", "Order Shipped", "Order Delivered", "Order Ready For Pickup", by_shopper=False, required=_ORDER
    ),
    *_specs("fulfilment", "Order Picked Up", channel="store", required=_ORDER),
    *_specs("email", "Email Delivered", "Email Opened", "Email Bounced", channel="email", by_shopper=False),
    *_specs("email", "Email Link Clicked", channel="email"),
    *_specs("email", "Email Marked as Spam", "Unsubscribed", channel="email", withdraws="marketing/email"),
    *_specs("message", "Push Notification Received", "Push Notification Bounced", channel="push", by_shopper=False),
    *_specs("message", "Push Notification Tapped", channel="push"),
    *_specs("message", "Push Notification Unsubscribed", channel="push", withdraws="marketing/push"),
    *_specs("message", "SMS Delivered", "SMS Bounced", channel="sms", by_shopper=False),
    *_specs("message", "SMS Link Clicked", channel="sms"),
    *_specs("message", "SMS Unsubscribed", channel="sms", withdraws="marketing/sms"),
    *_specs("ads", "Ad Viewed", "Ad Impression", channel="ads", by_shopper=False),
    *_specs("ads", "Ad Clicked", channel="ads"),
    *_specs("service", "Support Ticket Opened", "Support Ticket Rated", required=_TICKET),
    *_specs("service", "Support Ticket Answered", "Support Ticket Solved", by_shopper=False, required=_TICKET),
    *_specs("loyalty", "Loyalty Enrolled"),
    *_specs("loyalty", "Loyalty Card Scanned", channel="store"),
    *_specs("loyalty", "Loyalty Points Earned", by_shopper=False, required=_POINTS),
    *_specs("loyalty", "Loyalty Points Redeemed", required=_POINTS),
    *_specs("loyalty", "Loyalty Tier Changed", by_shopper=False, required={"tier": "text"}),
    *_specs("store", "Store Entered", "Store Left", channel="store"),
)  # fmt: skip

BY_NAME: dict[str, EventSpec] = {spec.name: spec for spec in SPECS}
DONE_TO_SHOPPERS: frozenset[str] = frozenset(spec.name for spec in SPECS if not spec.by_shopper)
"""Exposures, impressions, deliveries, opens and fulfilment: no acts of the shopper."""

_CHECKED: dict[str, Kind] = {"order_id": "id", "product_id": "id"}
"""Read of every known event that has them: an id that is an object would silently count as none."""


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


_CHECKS: dict[str, list[tuple[str, str, Kind, bool]]] = {
    spec.name: [
        (name, _camel(name), kind, name in spec.required) for name, kind in {**_CHECKED, **spec.required}.items()
    ]
    for spec in SPECS
}
"""Name of the event to (property, its camelCase, kind, required)."""


def check_properties(name: str, properties: dict[str, Any]) -> None:
    """Raises BadProperty where a known event lacks what it cannot do without, or has an id that is none."""
    for snake, camel, kind, required in _CHECKS.get(name, ()):
        value = properties.get(snake)
        if value is None:
            value = properties.get(camel)
        if value is not None:
            _check(snake, kind, value)
        elif required:
            raise BadProperty(snake, f"`{name}` needs the property `{snake}`.", missing=True)
    if name == PAGE_ENGAGED and "scrollDepth" not in properties and "dwellMs" not in properties:
        raise BadProperty("dwellMs", f"`{name}` needs `dwellMs`, `scrollDepth` or both.", missing=True)


def _check(name: str, kind: Kind, value: Any) -> None:
    if kind == "id" and type(value) is str and value and not value.isspace():
        return
    trouble = ""
    if kind == "number":
        trouble = "" if _is_number(value) else "is a number, 0 or more"
    elif kind == "purpose":
        trouble = "" if value in set(Purpose) else f"is one of {', '.join(Purpose)}"
    elif isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        trouble = "is text or a number" if kind == "id" else "is text"
    if trouble:
        raise BadProperty(name, f"`properties.{name}` {trouble}.", missing=False)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value) and value >= 0
