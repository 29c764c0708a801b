"""Simulated shoppers send what real channels send, say that they are simulated, and are the same for the same seed."""

import random
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from rtp.simulation.households import Household, SoldProduct
from rtp.simulation.shopper import Cart, Shopper, order_properties, product_properties, sale_movements

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MILK = SoldProduct(product_id="P1", name="Milk", category="Dairy", price=Decimal("1.29"))
BREAD = SoldProduct(product_id="P2", name="Bread", category="Bakery", price=Decimal("2.40"))


def shopper(seed: int = 1) -> Shopper:
    household = Household(
        source="shop",
        user_id="u1",
        email="ada@example.com",
        loyalty_id=None,
        store_id="S1",
        shops_online=True,
        products=(MILK, BREAD),
    )
    return Shopper(household, random.Random(seed), lambda: MOMENT, (f"{n:04}" for n in count()).__next__)


def test_the_same_seed_sends_the_same_events() -> None:
    first, second = (
        [person.page("web", "Home"), person.track("Product Viewed", "web", product_properties(person.pick(1)[0]))]
        for person in (shopper(3), shopper(3))
    )
    assert first == second


def test_every_event_says_that_it_is_simulated() -> None:
    person = shopper()
    events = [person.page("app", "Home"), person.identify("web"), person.track("Product Viewed", "web", {})]
    assert all(event["context"]["simulated"] is True for event in events)


def test_a_shopper_is_anonymous_until_the_log_in_and_known_after() -> None:
    person = shopper()
    assert "userId" not in person.page("web", "Home")
    assert "anonymousId" in person.as_customer()
    login = person.identify("web")
    assert (login["userId"], login["anonymousId"]) == ("u1", person.anonymous_id)
    assert person.as_customer() == {"userId": "u1"}


def test_an_order_names_every_product_with_its_quantity_and_the_exact_total() -> None:
    order = order_properties("O1", Cart(lines=[(MILK, 2), (BREAD, 1)]))
    assert order["total"] == 4.98
    assert [(line["product_id"], line["quantity"]) for line in order["products"]] == [("P1", 2), ("P2", 1)]


def test_a_till_moves_the_stock_of_each_line_once() -> None:
    person = shopper()
    movements = sale_movements(person.new_id, "O1", "S1", Cart(lines=[(MILK, 2), (BREAD, 1)]), person.now())
    assert [(move["kind"], move["quantity"], move["orderId"]) for move in movements] == [
        ("sale", 2, "O1"),
        ("sale", 1, "O1"),
    ]
    assert len({move["movementId"] for move in movements}) == 2
