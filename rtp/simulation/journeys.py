"""What simulated shoppers do: journeys over web, app, e-mail and store, by the public HTTP API only."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rtp.simulation.client import ChannelClient, Json
from rtp.simulation.households import SoldProduct
from rtp.simulation.recorder import Recorder
from rtp.simulation.shopper import Cart, Shopper, order_properties, product_properties, sale_movements


class Visit:
    """One shopper on one journey."""

    def __init__(self, shopper: Shopper, client: ChannelClient, recorder: Recorder, *, pause_seconds: float) -> None:
        self.shopper = shopper
        self.cart = Cart(lines=[])
        self._client = client
        self._recorder = recorder
        self._pause_seconds = pause_seconds

    async def think(self) -> None:
        """People take their time; how long is drawn from the shopper's own generator."""
        await asyncio.sleep(self.shopper.rng.expovariate(1 / self._pause_seconds) if self._pause_seconds else 0)

    async def send(self, channel: str, *events: Json) -> None:
        """Tracks events."""
        await self._client.track(channel, events)
        self._note(channel, events[-1].get("event") or events[-1]["type"])

    async def browse(self, channel: str, count: int) -> list[SoldProduct]:
        """Looks at a few products, one event each."""
        seen = self.shopper.pick(count)
        await self.send(channel, self.shopper.page(channel, "Home"))
        for product in seen:
            await self.think()
            await self.send(channel, self.shopper.track("Product Viewed", channel, product_properties(product)))
        return seen

    async def add(self, channel: str, product: SoldProduct, **more: Any) -> None:
        """Puts a product into the cart."""
        quantity = self.shopper.rng.choice((1, 1, 1, 2))
        self.cart.lines.append((product, quantity))
        properties = product_properties(product, quantity=quantity, **more)
        await self.send(channel, self.shopper.track("Product Added", channel, properties))

    async def log_in(self, channel: str) -> None:
        """Becomes known."""
        await self.send(channel, self.shopper.identify(channel))

    async def recommended(self, channel: str, placement: str, store_id: str | None = None) -> Json:
        """Asks what to show, checks what is promised, and tells what was seen."""
        context = {"storeId": store_id} if store_id else {}
        decision = await self._client.decide(
            channel,
            {"customer": self.shopper.as_customer(), "channel": channel, "placement": placement, "context": context},
        )
        await self._check_promises(decision)
        self._note(channel, f"{len(decision['actions'])} actions decided")
        return decision

    async def maybe_take(self, channel: str, decision: Json, chance: float) -> None:
        """Sometimes opens and takes a recommended product; the events carry the decision's id."""
        known = {product.product_id: product for product in self.shopper.household.products}
        for action in decision["actions"]:
            product = known.get(action.get("productId"))
            if product is None or self.shopper.rng.random() > chance:
                continue
            outcome = {"decisionId": decision["decisionId"]}
            viewed = product_properties(product, position=action["position"], **outcome)
            await self.send(channel, self.shopper.track("Product Viewed", channel, viewed))
            await self.think()
            await self.add(channel, product, **outcome)
            return

    async def buy(self, channel: str, *, store_id: str | None = None, decision_id: str | None = None) -> None:
        """Pays; in a store the till also tells the stock system."""
        if not self.cart.lines:
            return
        order_id = self.shopper.new_id("order")
        more = {"decisionId": decision_id} if decision_id else {}
        order = order_properties(order_id, self.cart, **more)
        await self.send(channel, self.shopper.track("Order Completed", channel, order, store_id=store_id))
        if store_id is not None and channel == "store":
            now = self.shopper.now()
            await self._client.move_stock(sale_movements(self.shopper.new_id, order_id, store_id, self.cart, now))
        self._recorder.counts["orders"] += 1

    async def _check_promises(self, decision: Json) -> None:
        for action in decision["actions"]:
            promise = action.get("fulfilment")
            if promise is None:
                continue
            self._recorder.counts["promises"] += 1
            position = await self._client.stock(action["productId"], promise["storeId"])
            # Another shopper may have taken it since; only stock unchanged since the promise can contradict it.
            unchanged = position is not None and position["asOf"] == promise["asOf"]
            if promise["available"] <= 0 or position is None or (unchanged and position["onHand"] <= 0):
                self._recorder.broken_promises.append(f"{action['actionId']} at {promise['storeId']}")

    def _note(self, channel: str, what: str) -> None:
        self._recorder.recent.append(f"{channel:<6} {what}")


async def browse_and_buy_online(visit: Visit) -> None:
    """Anonymous browsing on the web, a log-in, a recommendation, a basket, an order."""
    seen = await visit.browse("web", 4)
    decision = await visit.recommended("web", "home_hero")
    await visit.maybe_take("web", decision, 0.4)
    await visit.add("web", seen[0])
    await visit.log_in("web")
    decision = await visit.recommended("web", "cart")
    await visit.maybe_take("web", decision, 0.5)
    if visit.shopper.rng.random() < 0.6:
        await visit.buy("web")


async def app_then_store(visit: Visit) -> None:
    """Looks in the app, walks into the store, is advised there and pays at the till; a retailer may have no store."""
    store_id = visit.shopper.household.store_id
    if store_id is None:
        await browse_and_buy_online(visit)
        return
    await visit.log_in("app")
    seen = await visit.browse("app", 3)
    await visit.recommended("app", "home", store_id)
    await visit.think()
    await visit.send("store", visit.shopper.track("Store Entered", "store", {}, store_id=store_id))
    decision = await visit.recommended("store", "associate", store_id)
    await visit.maybe_take("store", decision, 0.6)
    visit.cart.lines.extend((product, 1) for product in seen[:2])
    await visit.buy("store", store_id=store_id, decision_id=decision["decisionId"])


async def email_click(visit: Visit) -> None:
    """Opens an e-mail, clicks through and perhaps buys."""
    visit.shopper.known = True
    decision = await visit.recommended("email", "weekly")
    outcome = {"decisionId": decision["decisionId"]}
    await visit.send("email", visit.shopper.track("Email Opened", "email", outcome))
    if visit.shopper.rng.random() < 0.5:
        await visit.send("email", visit.shopper.track("Email Link Clicked", "email", outcome))
        await visit.browse("web", 2)
        await visit.maybe_take("web", decision, 0.5)
        await visit.buy("web", decision_id=decision["decisionId"])


async def abandon_cart(visit: Visit) -> None:
    """Fills a cart and leaves."""
    await visit.log_in("web")
    for product in await visit.browse("web", 3):
        await visit.add("web", product)
    await visit.recommended("web", "cart")


Journey = Callable[[Visit], Awaitable[None]]

JOURNEYS: tuple[tuple[Journey, float], ...] = (
    (browse_and_buy_online, 0.4),
    (app_then_store, 0.3),
    (email_click, 0.15),
    (abandon_cart, 0.15),
)
"""Journeys and how common each is."""
