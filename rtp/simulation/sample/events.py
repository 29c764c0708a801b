"""Two weeks of clicks around the web orders, as the shop's tracking would have sent them."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from rtp.simulation.sample.purchases import Line
from rtp.simulation.sample.world import LAST_DAY, World

DAYS = 21
Envelope = dict[str, Any]


def make_events(rng: random.Random, world: World) -> list[Envelope]:
    """Sessions that ended in an order of the last weeks, and as many that did not; ordered by time."""
    since = LAST_DAY - timedelta(days=DAYS)
    orders: dict[str, list[Line]] = {}
    for line in world.lines:
        if line.channel in ("web", "app") and line.ordered_at.date() > since:
            orders.setdefault(line.order_id, []).append(line)
    events = [event for lines in orders.values() for event in _ordering(rng, lines)]
    accounts = [person for person in world.people if person.account]
    for number in range(len(orders)):
        person = accounts[number % len(accounts)]
        start = datetime.combine(since, datetime.min.time()) + timedelta(minutes=rng.randint(0, DAYS * 1440 - 60))
        products = [product_id for _, product_id in person.habits[:3]]
        events.extend(_browsing(rng, f"s{number}", person.number, None, start, products, "web"))
    events.sort(key=lambda event: (event["timestamp"], event["messageId"]))
    return events


def _ordering(rng: random.Random, lines: list[Line]) -> Iterator[Envelope]:
    first = lines[0]
    person, start = first.person, first.ordered_at - timedelta(minutes=6)
    products = [line.product_id for line in lines]
    yield from _browsing(rng, first.order_id, person.number, person.account, start, products, first.channel)
    bought = [
        {
            "product_id": line.product_id,
            "quantity": line.quantity,
            "price": round(line.net_cents / 100 / line.quantity, 2),
        }
        for line in lines
    ]
    total = round(sum(line.net_cents for line in lines) / 100, 2)
    done = {"order_id": first.order_id, "total": total, "currency": "USD", "products": bought}
    yield _envelope(
        first.order_id, 99, person.number, person.account, first.ordered_at, "Order Completed", done, first.channel
    )


def _browsing(
    rng: random.Random,
    session: str,
    number: int,
    account: str | None,
    start: datetime,
    products: list[str],
    channel: str,
) -> Iterator[Envelope]:
    if account:
        login = _envelope(session, 0, number, account, start, "", {}, channel)
        yield {key: value for key, value in login.items() if key not in {"event", "properties"}} | {
            "type": "identify",
            "traits": {"lastLogin": login["timestamp"]},
        }
    for step, product_id in enumerate(products, start=1):
        at = start + timedelta(seconds=30 * step)
        yield _envelope(session, step, number, account, at, "Product Viewed", {"product_id": product_id}, channel)
        if account or rng.random() < 0.3:
            added = {"product_id": product_id, "quantity": 1}
            yield _envelope(
                session, step + 40, number, account, at + timedelta(seconds=9), "Product Added", added, channel
            )


def _envelope(
    session: str,
    step: int,
    number: int,
    account: str | None,
    at: datetime,
    name: str,
    properties: dict[str, Any],
    channel: str,
) -> Envelope:
    identity = {"anonymousId": f"anon-{number:04d}-{channel}"} | ({"userId": account} if account else {})
    return {
        "messageId": f"sample-{session}-{step:02d}",
        "type": "track",
        **identity,
        "timestamp": f"{at.isoformat(timespec='milliseconds')}Z",
        "event": name,
        "properties": properties,
        "context": {"channel": channel, "simulated": True},
    }
