"""A simulated shopper: who they are in each channel, and the events their steps send."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from rtp.clock import Clock, NewId
from rtp.simulation.households import Household, SoldProduct

Json = dict[str, Any]


class Cart(msgspec.Struct):
    """What the shopper has picked up."""

    lines: list[tuple[SoldProduct, int]] = []

    @property
    def total(self) -> Decimal:
        """What the till will ask for."""
        return sum((product.price * quantity for product, quantity in self.lines), Decimal(0))


class Shopper:
    """Makes well-formed, simulated events; what a shopper does comes from the given generator, its ids do not.

    A second simulation with the same seed does the same things anew: with the same message ids it would be a repeat.
    """

    def __init__(self, household: Household, rng: random.Random, clock: Clock, fresh_id: NewId) -> None:
        self.household = household
        self.rng = rng
        self._clock = clock
        self._fresh_id = fresh_id
        self.anonymous_id = self.new_id("anon")
        self.known = False

    def new_id(self, prefix: str) -> str:
        """An id of its own for a message, an order or a movement."""
        return f"sim-{prefix}-{self._fresh_id()}"

    def now(self) -> str:
        """The present as ISO 8601 with milliseconds."""
        return _iso(self._clock())

    def track(self, name: str, channel: str, properties: Json, *, store_id: str | None = None) -> Json:
        """A track event under the name the channel knows the shopper by."""
        return self._envelope("track", channel, store_id) | {"event": name, "properties": properties}

    def page(self, channel: str, name: str) -> Json:
        """A page or screen view."""
        kind = "screen" if channel == "app" else "page"
        return self._envelope(kind, channel, None) | {"name": name, "properties": {"title": name}}

    def identify(self, channel: str) -> Json:
        """The log-in: anonymous history joins the customer."""
        self.known = True
        traits = {"email": self.household.email} if self.household.email else {}
        return self._envelope("identify", channel, None) | {"traits": traits}

    def as_customer(self) -> Json:
        """How a decision request names the shopper."""
        return {"userId": self.household.user_id} if self.known else {"anonymousId": self.anonymous_id}

    def pick(self, count: int) -> list[SoldProduct]:
        """Products this household tends to buy, the usual ones more often."""
        products = self.household.products
        weights = [1 / (place + 1) for place in range(len(products))]
        chosen = self.rng.choices(products, weights, k=count)
        return list(dict.fromkeys(chosen))

    def _envelope(self, kind: str, channel: str, store_id: str | None) -> Json:
        context: Json = {"channel": channel, "simulated": True, "library": {"name": "rtp-simulation", "version": "1"}}
        if store_id:
            context["storeId"] = store_id
        envelope: Json = {
            "type": kind,
            "messageId": self.new_id("message"),
            "anonymousId": self.anonymous_id,
            "timestamp": self.now(),
            "context": context,
        }
        return envelope | ({"userId": self.household.user_id} if self.known else {})


def product_properties(product: SoldProduct, **more: Any) -> Json:
    """Segment's product properties; the price as a JSON number with the catalogue's decimals."""
    return {
        "product_id": product.product_id,
        "name": product.name,
        "category": product.category,
        "price": float(product.price),
        "currency": "USD",
    } | more


def order_properties(order_id: str, cart: Cart, **more: Any) -> Json:
    """Segment's `Order Completed`."""
    products = [product_properties(product, quantity=quantity) for product, quantity in cart.lines]
    return {"order_id": order_id, "total": float(cart.total), "currency": "USD", "products": products} | more


def sale_movements(new_id: Callable[[str], str], order_id: str, store_id: str, cart: Cart, at: str) -> Sequence[Json]:
    """What the till tells the stock system about a sale."""
    return [
        {
            "movementId": new_id("movement"),
            "storeId": store_id,
            "productId": product.product_id,
            "kind": "sale",
            "quantity": quantity,
            "orderId": order_id,
            "occurredAt": at,
        }
        for product, quantity in cart.lines
    ]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
