"""A till that was off line sends late, out of order and twice, and the result is as if it had been on line."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rtp.clock import from_micros
from rtp.features.live import LiveState, combine, project
from rtp.identity.intake import Accepted, accept
from rtp.inventory.stock import Movement, StockPosition
from rtp.profile.consent import Grant, combine_grants
from rtp.profile.effects import Effect
from rtp.profile.folding import Incoming, fold_entries, order_id
from rtp.profile.fragment import Fragment
from rtp.signals.event import LogEntry
from rtp.signals.parse import Arrival
from rtp.stores.stock_memory import MemoryStock
from rtp.worker.effects import StockHandler
from tests.making import DAY, KEYS, NOON, SECOND

HOUR = 3600 * SECOND
CLOSING = NOON + 12 * HOUR
"""Everything has happened, and everything the till still had arrives after it."""
PRODUCTS = ("p1", "p2", "p3")


@dataclass(frozen=True)
class Happening:
    """What is sent of one thing that happened; who was there, and when, by a true clock."""

    at: int
    message_id: str
    event: str
    by_till: bool
    properties: dict[str, Any]

    def body(self, skew: int, sent_at: int) -> bytes:
        who: dict[str, Any] = {"context": {"channel": "store", "storeId": "s1", "traits": {"loyaltyId": "L1"}}}
        if not self.by_till:
            who = {"userId": "u1", "context": {"storeId": "s1"}}
        times = {"timestamp": iso(self.at + skew), "sentAt": iso(sent_at + skew)}
        said = {"messageId": self.message_id, "event": self.event, "properties": self.properties}
        return msgspec.json.encode(said | who | times)


@dataclass
class System:
    """The door, the fold and the stock, without the machines between them."""

    skew: int
    fragments: dict[str, Fragment] = field(default_factory=lambda: defaultdict(Fragment))
    claims: dict[str, str] = field(default_factory=dict)
    stock: MemoryStock = field(default_factory=lambda: MemoryStock(freshness=10 * DAY))
    applied: int = 0
    _sequence: int = 0

    def receive(self, happening: Happening, at: int) -> None:
        arrival = Arrival(received_at=at, type="track")
        taken = accept(happening.body(self.skew if happening.by_till else 0, at), arrival, KEYS)
        assert isinstance(taken, Accepted), taken
        self._sequence += 1
        entry = LogEntry(0, f"{at // 1000}-{self._sequence}", taken.partition_key, taken.event)
        order, claimant = order_id(taken.event), f"{taken.partition_key} {taken.event.message_id}"
        counts = order is None or self.claims.setdefault(order, claimant) == claimant
        folded = fold_entries(self.fragments[entry.partition_key], [Incoming(entry, counts)])
        self.applied += folded.outcomes == ("applied",)
        effects, after = folded.fragment.pending, msgspec.structs.replace(folded.fragment, pending=())
        self.fragments[entry.partition_key] = after
        asyncio.run(self._carry_out([*effects, *effects], at))

    async def _carry_out(self, effects: list[Effect], now: int) -> None:
        await StockHandler(self.stock, lambda: from_micros(now))("c1", effects)

    def count(self, at: int, quantity: int) -> None:
        for product in PRODUCTS:
            counted = Movement(
                movement_id=f"count-{at}", store_id="s1", product_id=product, kind="count", quantity=quantity,
                occurred_at=at,
            )  # fmt: skip
            asyncio.run(self.stock.apply([counted]))

    @property
    def live(self) -> LiveState:
        return combine(each.state.live for each in self.fragments.values())

    @property
    def consent(self) -> dict[str, Grant]:
        return combine_grants(each.state.consent for each in self.fragments.values())

    @property
    def positions(self) -> Sequence[StockPosition | None]:
        return asyncio.run(self.stock.positions([("s1", product) for product in PRODUCTS], now=CLOSING + DAY))


def iso(micros: int) -> str:
    return from_micros(micros).isoformat()


@st.composite
def happenings(draw: st.DrawFn) -> list[Happening]:
    """A shopper's day, in the order of true time; orders are told of by the till."""
    names = ("Product Viewed", "Product Added", "Product Removed", "Order Completed", "Order Cancelled",
             "Loyalty Card Scanned", "Consent Changed", "Unsubscribed", "Recipe Cooked")  # fmt: skip
    drawn = draw(
        st.lists(
            st.tuples(st.integers(0, 12 * 60), st.sampled_from(names), st.sampled_from(PRODUCTS), st.booleans()),
            min_size=1, max_size=14,
        )
    )  # fmt: skip
    made = []
    for number, (minute, name, product, by_till) in enumerate(sorted(drawn)):
        line = {"product_id": product, "quantity": 1 + number % 3, "price": "2.50"}
        properties = {
            **line, "order_id": f"o{number % 4}", "products": [line], "revenue": number,
            "purpose": "marketing", "channel": "email", "status": "granted" if number % 2 else "denied",
        }  # fmt: skip
        orders = name.startswith("Order")
        made.append(Happening(NOON + minute * 60 * SECOND, f"m{number}", name, by_till or orders, properties))
    # Of two orders with one id the first to arrive counts, which is a matter of arrival: here an id stands for one.
    completed: set[str] = set()
    return [
        each for each in made
        if each.event != "Order Completed"
        or not (each.properties["order_id"] in completed or completed.add(each.properties["order_id"]))
    ]  # fmt: skip


COUNTS = st.lists(st.tuples(st.integers(0, 12 * 60), st.integers(0, 50)), max_size=2)


def on_line(day: list[Happening], counts: list[tuple[int, int]]) -> System:
    system = System(skew=0)
    moments: list[tuple[int, Happening | int]] = [(each.at, each) for each in day]
    moments += [(NOON + minute * 60 * SECOND, quantity) for minute, quantity in counts]
    for at, what in sorted(moments, key=lambda moment: moment[0]):
        if isinstance(what, Happening):
            system.receive(what, at)
        else:
            system.count(at, what)
    return system


def off_line(
    day: list[Happening], counts: list[tuple[int, int]], sent: list[tuple[Happening, int]], skew: int
) -> System:
    """The web and the counts as they happen; the till's when it is back, as `sent` says: what, and how long after."""
    system = on_line([each for each in day if not each.by_till], counts)
    system.skew = skew
    for happening, later in sorted(sent, key=lambda each: each[1]):
        system.receive(happening, CLOSING + later)
    return system


@given(happenings(), COUNTS, st.integers(-5 * 365, 5 * 365), st.data())
def test_late_and_twice_and_out_of_order_is_as_on_line(
    day: list[Happening], counts: list[tuple[int, int]], skew_days: int, data: st.DataObject
) -> None:
    till = [each for each in day if each.by_till]
    repeated = [*till, *data.draw(st.lists(st.sampled_from(till), max_size=5))] if till else []
    delays = data.draw(st.lists(st.integers(0, 10 * HOUR), min_size=len(repeated), max_size=len(repeated)))
    online = on_line(day, counts)
    late = off_line(day, counts, list(zip(repeated, delays, strict=True)), skew_days * DAY)
    assert late.live == online.live
    assert late.consent == online.consent
    assert late.applied == online.applied == len(day)
    assert late.positions == online.positions


@given(st.permutations(range(6)), st.integers(0, 5))
def test_an_order_told_of_under_many_message_ids_counts_once(order: list[int], minutes: int) -> None:
    """A till that was restored from a backup sends its receipts again as new messages."""
    line = {"product_id": "p1", "quantity": 2, "price": "2.50"}
    receipts = [
        Happening(NOON, f"m{copy}", "Order Completed", True, {"order_id": "o1", "products": [line], "revenue": 5})
        for copy in range(6)
    ]
    counts = [(minutes, 20)]
    once = on_line(receipts[:1], counts)
    many = off_line(receipts, counts, [(receipts[copy], place * SECOND) for place, copy in enumerate(order)], 0)
    assert many.applied == 1
    assert project(many.live, CLOSING) == project(once.live, CLOSING)
    assert project(many.live, CLOSING)["orders_24h"] == 1
    assert many.positions == once.positions
