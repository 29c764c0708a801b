"""Who shops at the miniature retailer: identities in two systems, habits, consent."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec

from rtp.simulation.sample.catalogue import CATEGORIES, Product

FIRST = (
    "Ada",
    "Ben",
    "Chloe",
    "Dario",
    "Elif",
    "Femi",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "Kira",
    "Liam",
    "Mara",
    "Nils",
    "Olga",
)
LAST = (
    "Abbott",
    "Brandt",
    "Castillo",
    "Dahl",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haas",
    "Ito",
    "Jansen",
    "Klein",
    "Lopez",
)
CITIES = {"S01": ("Chicago", "606"), "S02": ("Boston", "021")}


class Person(msgspec.Struct, frozen=True):
    """One shopper. `card` is the till's reference, `account` the shop's; either may be missing, not both."""

    number: int
    first: str
    last: str
    born: date
    home_store: str
    card: str | None
    account: str | None
    shares_card_online: bool
    shares_email_in_store: bool
    habits: tuple[tuple[str, str], ...]
    """(category, favourite product), the most frequent first."""
    days_between: float
    online_share: float
    likes_discounts: bool
    joined: date
    lapsed: date | None

    @property
    def email(self) -> str:
        """An address that can never be delivered to."""
        return f"{self.first}.{self.last}.{self.number}@example.com".lower()

    @property
    def phone(self) -> str:
        """A number from the range kept for fiction."""
        return f"+1312555{100 + self.number:04d}"


def make_people(rng: random.Random, count: int, products: Sequence[Product], last_day: date) -> list[Person]:
    """`count` shoppers; about one in ten has stopped coming, about one in ten came during the year."""
    by_category: dict[str, list[Product]] = {}
    for product in products:
        by_category.setdefault(product.category.name, []).append(product)
    return [_person(rng, number, by_category, last_day) for number in range(1, count + 1)]


def _person(rng: random.Random, number: int, shelf: Mapping[str, list[Product]], last_day: date) -> Person:
    kind = rng.random()
    online = 0.0 if kind < 0.18 else (1.0 if kind > 0.9 else rng.choice((0.15, 0.3, 0.6)))
    chosen = rng.sample([category.name for category in CATEGORIES], rng.randint(3, 6))
    return Person(
        number=number,
        first=rng.choice(FIRST),
        last=rng.choice(LAST),
        born=date(rng.randint(1945, 2004), rng.randint(1, 12), rng.randint(1, 28)),
        home_store=rng.choice(("S01", "S01", "S02")),
        card=None if online == 1.0 else f"L{number:05d}",
        account=None if online == 0.0 else f"u{number:05d}",
        shares_card_online=rng.random() < 0.6,
        shares_email_in_store=rng.random() < 0.5,
        habits=tuple((name, rng.choice(shelf[name]).product_id) for name in chosen),
        days_between=rng.choice((6.0, 9.0, 13.0, 20.0)),
        online_share=online,
        likes_discounts=rng.random() < 0.4,
        joined=last_day - timedelta(days=rng.randint(30, 300) if rng.random() < 0.12 else 363),
        lapsed=last_day - timedelta(days=rng.randint(50, 120)) if rng.random() < 0.12 else None,
    )


CUSTOMER_COLUMNS = (
    "source", "customer_ref", "user_id", "email", "phone", "loyalty_id", "first_name", "last_name",
    "street", "city", "postcode", "birth_date", "attributes",
)  # fmt: skip


def customer_rows(rng: random.Random, people: Sequence[Person]) -> list[tuple[object, ...]]:
    """One row a person in each system that knows them: the till knows the card, the shop the account."""
    rows: list[tuple[object, ...]] = []
    for person in people:
        city, zone = CITIES[person.home_store]
        address = (f"{rng.randint(1, 99)} Example Street", city, f"{zone}{rng.randint(1, 60):02d}")
        wishes = msgspec.json.encode({"household_size": rng.randint(1, 5), "diet": rng.choice(("any", "vegetarian"))})
        if person.card:
            email = person.email if person.shares_email_in_store else None
            named = (person.first, person.last, *address, person.born, None)
            rows.append(("pos", person.card, None, email, person.phone, person.card, *named))
        if person.account:
            card = person.card if person.shares_card_online else None
            known = (person.first, person.last, *address, None, wishes.decode())
            rows.append(("shop", person.account, person.account, person.email, None, card, *known))
    return rows


CONSENT_COLUMNS = ("source", "customer_ref", "purpose", "channel", "status", "at")


def consent_rows(rng: random.Random, people: Sequence[Person]) -> list[tuple[object, ...]]:
    """Most allow personalization, many marketing by e-mail; some took it back; one in ten never said anything."""
    rows: list[tuple[object, ...]] = []
    for person in people:
        source, ref = ("shop", person.account) if person.account else ("pos", person.card)
        if rng.random() < 0.1:
            continue
        asked = f"{person.joined}T12:00:00Z"
        for purpose, channel, chance in _ASKED:
            status = "granted" if rng.random() < chance else "denied"
            rows.append((source, ref, purpose, channel, status, asked))
            if status == "granted" and rng.random() < 0.08:
                rows.append(
                    (source, ref, purpose, channel, "denied", f"{person.joined + timedelta(days=25)}T18:30:00Z")
                )
    return rows


_ASKED = (
    ("personalization", "all", 0.9),
    ("marketing", "email", 0.75),
    ("marketing", "push", 0.5),
    ("marketing", "sms", 0.3),
    ("ads", "all", 0.4),
    ("analytics", "all", 0.8),
)
