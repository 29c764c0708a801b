"""The miniature retailer as the files that `rtp load` reads."""

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from rtp.simulation.sample import catalogue, people, purchases, stock
from rtp.simulation.sample.events import make_events
from rtp.simulation.sample.world import LAST_DAY, SEED, World

Row = Sequence[object]


def write_sample(folder: Path, world: World) -> None:
    """Writes every table into `folder`, three formats among them; the same world gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SIMULATED").write_text("Everything here is made up by rtp.simulation.sample.\n", encoding="utf-8")
    rng = random.Random(SEED + 1)
    counts, inbound = stock.stock_rows(rng, world.products, LAST_DAY)
    _csv(folder, "stores", catalogue.STORE_COLUMNS, catalogue.STORES)
    _csv(folder, "customers", people.CUSTOMER_COLUMNS, people.customer_rows(rng, world.people))
    _csv(folder, "consents", people.CONSENT_COLUMNS, people.consent_rows(rng, world.people))
    _csv(folder, "order_lines", purchases.ORDER_COLUMNS, map(_order_row, world.lines))
    _csv(folder, "promotions", purchases.PROMOTION_COLUMNS, [(*key, *shown) for key, shown in world.promotions.items()])
    _csv(folder, "inventory", stock.INVENTORY_COLUMNS, counts)
    _csv(folder, "inbound", stock.INBOUND_COLUMNS, inbound)
    _write_offers(folder, world)
    _jsonl(folder, "products", map(_product, world.products))
    _jsonl(folder, "events", make_events(rng, world))


def _write_offers(folder: Path, world: World) -> None:
    offers, products, targets, redeemed = [], [], [], dict[Row, None]()
    for offer in world.offers:
        cents = _money(offer.cents) if offer.cents else None
        span = (f"{offer.starts}T00:00:00Z", f"{offer.ends}T23:59:59Z")
        offers.append((offer.offer_id, "coupon", offer.name, *span, cents, offer.rate, offer.channels))
        products += [
            (offer.offer_id, each.product_id) for each in world.products if each.category.name == offer.category
        ]
        who = (person for person in world.people if person.number in offer.people)
        targets += [(offer.offer_id, *_reference(person)) for person in who]
    for line in world.lines:
        if line.offer_id:
            redeemed[line.offer_id, *_reference(line.person), _time(line)] = None
    named = ("offer_id", "source", "customer_ref")
    terms = ("starts_at", "ends_at", "discount_amount", "discount_rate", "channels")
    _csv(folder, "offers", ("offer_id", "kind", "name", *terms), offers)
    _csv(folder, "offer_products", ("offer_id", "product_id"), products)
    _csv(folder, "offer_targets", named, targets)
    _csv(folder, "offer_redemptions", (*named, "redeemed_at"), redeemed)


def _reference(person: people.Person) -> tuple[str, str]:
    return ("shop", person.account) if person.account else ("pos", str(person.card))


def _order_row(line: purchases.Line) -> Row:
    online = line.channel != "store"
    buyer = (line.person.account if online else line.person.card) if line.known else None
    amounts = (line.quantity, _money(line.net_cents), _money(line.discount_cents))
    where = (line.channel, line.store_id, buyer, line.product_id)
    return (
        "shop" if online else "pos",
        line.order_id,
        line.line_id,
        _time(line),
        *where,
        *amounts,
        line.offer_id,
        line.returned or None,
    )


def _product(product: catalogue.Product) -> dict[str, object]:
    return {
        "product_id": product.product_id,
        "name": product.name,
        "department": product.category.department,
        "category": product.category.name,
        "brand": product.brand,
        "list_price": product.list_cents / 100,
        "unit_cost": product.cost_cents / 100,
    }


def _time(line: purchases.Line) -> str:
    return f"{line.ordered_at.isoformat()}Z"


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _csv(folder: Path, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _jsonl(folder: Path, table: str, rows: Iterable[dict[str, object]]) -> None:
    with (folder / f"{table}.jsonl").open("wb") as file:
        file.writelines(msgspec.json.encode(row) + b"\n" for row in rows)
