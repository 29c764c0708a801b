"""The whole miniature retailer in memory, drawn from one seed."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec

from rtp.simulation.sample.catalogue import CATEGORIES, Product, make_products
from rtp.simulation.sample.people import Person, make_people
from rtp.simulation.sample.purchases import Line, Offer, Shop, make_promotions

SEED = 20260628
LAST_DAY = date(2026, 6, 28)
"""The year's last day; a load can move all dates by whole weeks."""
PEOPLE = 60


class World(msgspec.Struct, frozen=True):
    """Everything the files are written from."""

    products: list[Product]
    people: list[Person]
    promotions: dict[tuple[str, str, date], tuple[str, str]]
    offers: list[Offer]
    lines: list[Line]


def make_world(seed: int = SEED) -> World:
    """The same retailer for the same seed, on every machine."""
    rng = random.Random(seed)
    products = make_products(rng)
    people = make_people(rng, PEOPLE, products, LAST_DAY)
    promotions = make_promotions(rng, products, LAST_DAY - timedelta(days=363), LAST_DAY)
    offers = make_offers(rng, people)
    shop = Shop(rng, {product.product_id: product for product in products}, promotions, offers)
    lines = [line for person in people for line in shop.year_of(person, LAST_DAY)]
    lines.sort(key=lambda line: (line.ordered_at, line.order_id, line.line_id))
    return World(products, people, promotions, offers, lines)


def make_offers(rng: random.Random, people: Sequence[Person]) -> list[Offer]:
    """Eight coupons through the year, the last three still valid after the last day."""
    return list(_offers(rng, people))


def _offers(rng: random.Random, people: Sequence[Person]) -> Iterator[Offer]:
    for number in range(8):
        category = CATEGORIES[(number * 5) % len(CATEGORIES)].name
        starts = LAST_DAY - timedelta(days=330 - 47 * number)
        ends = LAST_DAY + timedelta(days=28) if number >= 5 else starts + timedelta(days=42)
        rate = (0.1, 0.2)[number % 2] if number % 3 == 0 else None
        cents = 0 if rate else rng.choice((50, 100, 150))
        some = rng.sample([person.number for person in people], 25) if number % 4 else []
        saving = f"{rate:.0%} off" if rate else f"${cents / 100:.2f} off"
        channels = ("", "web,app", "store", "")[number % 4]
        yield Offer(
            f"O{number + 1:02d}", f"{saving} {category}", category, starts, ends, cents, rate, channels, frozenset(some)
        )
