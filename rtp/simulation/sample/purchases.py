"""A year of baskets: habits, seasons, what goes together, promotions that work, returns."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

import msgspec

from rtp.simulation.sample.catalogue import CATEGORIES, Product
from rtp.simulation.sample.people import Person

ORDER_COLUMNS = (
    "source", "order_id", "line_id", "ordered_at", "channel", "store_id", "customer_ref", "product_id",
    "quantity", "net_amount", "discount_amount", "offer_id", "returned_quantity",
)  # fmt: skip
PROMOTION_COLUMNS = ("product_id", "store_id", "week_start", "display", "mailer")
PROMOTED_A_WEEK = 9
UNKNOWN_PRODUCTS = ("P900", "P901")
"""Sold, but missing from the catalogue: every real retailer has some."""


class Line(msgspec.Struct, frozen=True):
    """One order line; money in cents."""

    person: Person
    order_id: str
    line_id: int
    ordered_at: datetime
    channel: str
    store_id: str
    known: bool
    """False: the shopper did not show the card."""
    product_id: str
    quantity: int
    net_cents: int
    discount_cents: int
    offer_id: str | None
    returned: int


class Offer(msgspec.Struct, frozen=True):
    """A coupon on one category for some people and some weeks."""

    offer_id: str
    name: str
    category: str
    starts: date
    ends: date
    cents: int
    rate: float | None
    channels: str
    people: frozenset[int]
    """Empty: for everybody."""


def week_start(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def make_promotions(
    rng: random.Random, products: Sequence[Product], first: date, last: date
) -> dict[tuple[str, str, date], tuple[str, str]]:
    """(product, store, Monday) -> (display, mailer), a few articles in each store and week."""
    promoted: dict[tuple[str, str, date], tuple[str, str]] = {}
    monday = week_start(first)
    while monday <= last:
        for store in ("S01", "S02"):
            for product in rng.sample(list(products), PROMOTED_A_WEEK):
                spot = rng.choice(("front", "endcap", "none"))
                page = (
                    rng.choice(("front page", "interior page"))
                    if spot == "none"
                    else rng.choice(("none", "interior page"))
                )
                promoted[product.product_id, store, monday] = (spot, page)
        monday += timedelta(days=7)
    return promoted


class Shop(msgspec.Struct):
    """All that decides what a basket holds."""

    rng: random.Random
    products: dict[str, Product]
    promotions: dict[tuple[str, str, date], tuple[str, str]]
    offers: Sequence[Offer]
    next_order: int = 1

    def year_of(self, person: Person, last_day: date) -> Iterator[Line]:
        """Every line of one person, first day to last."""
        day = person.joined + timedelta(days=self.rng.uniform(0, person.days_between))
        end = person.lapsed or last_day
        while day <= end:
            yield from self.basket(person, day)
            day += timedelta(days=max(1.0, self.rng.gauss(person.days_between, person.days_between * 0.3)))

    def basket(self, person: Person, day: date) -> Iterator[Line]:
        """One order."""
        rng = self.rng
        online = rng.random() < person.online_share
        channel = rng.choice(("web", "web", "app")) if online else "store"
        visited = person.home_store if rng.random() < 0.9 else rng.choice(("S01", "S02"))
        hour = rng.choice((12, 14, 15, 16, 17, 18) if person.number % 2 else (16, 21, 22, 22, 23))
        at = datetime.combine(day, time(hour, rng.randint(0, 59), rng.randint(0, 59)))
        order_id = f"{'W' if online else 'T'}{self.next_order:06d}"
        self.next_order += 1
        known = online or rng.random() < 0.92
        for number, product_id in enumerate(self.chosen(person, day, visited), start=1):
            yield self.line(person, order_id, number, at, channel, "WEB" if online else visited, known, product_id)

    def chosen(self, person: Person, day: date, store: str) -> list[str]:
        """What is put into the basket: habits by season, what goes with them, something on promotion, a whim."""
        rng, chosen = self.rng, dict[str, None]()
        for rank, (category, favourite) in enumerate(person.habits):
            if rng.random() < min(0.95, 0.8 * self.season(category, day) / (1 + 0.35 * rank)):
                chosen[favourite if rng.random() < 0.75 else self.any_of(category)] = None
        for product_id in list(chosen):
            partner = self.products[product_id].category.goes_with
            if partner and rng.random() < 0.55:
                chosen[self.any_of(partner)] = None
        shown = [key[0] for key in self.promotions if key[1] == store and key[2] == week_start(day)]
        if shown and rng.random() < (0.6 if person.likes_discounts else 0.2):
            chosen[rng.choice(shown)] = None
        if not chosen or rng.random() < 0.25:
            chosen[rng.choice(list(self.products))] = None
        if rng.random() < 0.004:
            chosen[rng.choice(UNKNOWN_PRODUCTS)] = None
        return list(chosen)

    def season(self, category: str, day: date) -> float:
        """How much the month favours a category."""
        return next(shelf.season[day.month - 1] for shelf in CATEGORIES if shelf.name == category)

    def any_of(self, category: str) -> str:
        """Some article of a category; the first ones sell best."""
        same = [product.product_id for product in self.products.values() if product.category.name == category]
        return same[min(int(self.rng.expovariate(0.45)), len(same) - 1)]

    def line(
        self,
        person: Person,
        order_id: str,
        number: int,
        at: datetime,
        channel: str,
        store: str,
        known: bool,
        product_id: str,
    ) -> Line:
        """One line with its price of the day."""
        rng = self.rng
        quantity = rng.choice((1, 1, 1, 1, 2, 2, 3))
        product = self.products.get(product_id)
        full = (product.list_cents if product else 399) * quantity
        off = 15 if (product_id, store, week_start(at.date())) in self.promotions else 0
        offer = self.usable(person, product, at.date(), channel) if known else None
        discount = full * off // 100
        if offer:
            discount += round((full - discount) * offer.rate) if offer.rate else min(offer.cents, full - discount)
        returned = quantity if rng.random() < (0.04 if channel != "store" else 0.01) else 0
        used = offer.offer_id if offer else None
        return Line(
            person,
            order_id,
            number,
            at,
            channel,
            store,
            known,
            product_id,
            quantity,
            full - discount,
            discount,
            used,
            returned,
        )

    def usable(self, person: Person, product: Product | None, day: date, channel: str) -> Offer | None:
        """The coupon this person uses on this line, if any."""
        for offer in self.offers:
            fits = product is not None and product.category.name == offer.category and offer.starts <= day <= offer.ends
            reached = (not offer.people or person.number in offer.people) and (
                not offer.channels or channel in offer.channels.split(",")
            )
            if fits and reached and self.rng.random() < (0.7 if person.likes_discounts else 0.25):
                return offer
        return None
