"""Any order of arrival, with any repeats, gives the position that the facts in their own order give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.errors import Rejected
from rtp.inventory.available import commit, committed, on_hand, position, release, reserve
from rtp.inventory.state import DAY, RETENTION, StockState, fold, stores_of
from rtp.inventory.stock import Movement

HOUR = 3_600_000_000
START = 20_000 * DAY
SIGNED = {"sale": -1, "receipt": 1, "return": 1, "adjustment": 1, "transfer": -1}


def movement(number: int, kind: str, quantity: int, at: int, **more: object) -> Movement:
    return Movement(
        movement_id=f"m{number}", store_id="s", product_id="p", kind=kind, quantity=quantity, occurred_at=at, **more
    )


@st.composite
def histories(draw: st.DrawFn, span: int = RETENTION - HOUR) -> list[Movement]:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["count", "sale", "receipt", "return", "adjustment", "transfer"]),
                st.integers(1, 9),
                st.integers(0, span // HOUR),
                st.sampled_from([None, "o1", "o2"]),
            ),
            max_size=14,
        )
    )
    return [
        movement(number, kind, quantity, START + hours * HOUR, order_id=order, to_store_id="t")
        for number, (kind, quantity, hours, order) in enumerate(rows)
    ]


def oracle(facts: list[Movement]) -> int:
    """Reads the facts like a ledger: the newest count, then what came after it."""
    counts = [fact for fact in facts if fact.kind == "count"]
    newest = max(counts, key=lambda fact: (fact.occurred_at, fact.movement_id), default=None)
    after = [
        SIGNED[fact.kind] * fact.quantity
        for fact in facts
        if fact.kind != "count" and (newest is None or fact.occurred_at > newest.occurred_at)
    ]
    return (newest.quantity if newest else 0) + sum(after)


def folded(facts: list[Movement], state: StockState | None = None) -> StockState:
    state = state or StockState()
    for fact in facts:
        state = fold(state, fact, "s")
    return state


@given(st.data())
def test_any_order_with_repeats_equals_the_ledger(data: st.DataObject) -> None:
    facts = data.draw(histories())
    arrivals = data.draw(
        st.permutations(facts + data.draw(st.lists(st.sampled_from(facts), max_size=5)) if facts else facts)
    )
    assert on_hand(folded(arrivals)) == oracle(facts)


@given(st.data())
def test_commitments_do_not_depend_on_whether_the_sale_or_the_order_came_first(data: st.DataObject) -> None:
    facts = data.draw(histories())
    at = START + data.draw(st.integers(0, 100)) * HOUR
    late = commit(folded(facts), "o1", 5, reservation_ids=(), now=at)
    early = folded(facts, commit(StockState(), "o1", 5, reservation_ids=(), now=at))
    assert committed(late) == committed(early)


@given(histories(span=40 * DAY))
def test_positions_stay_small_over_any_time_and_right_when_facts_come_in_order(facts: list[Movement]) -> None:
    facts = sorted(facts, key=lambda fact: fact.occurred_at)
    state = folded(facts)
    assert on_hand(state) == oracle(facts)
    newest = max((fact.occurred_at for fact in facts), default=0)
    assert all(entry.at > newest - RETENTION for entry in state.movements.values())


def test_a_repeat_gives_back_the_very_same_state() -> None:
    sale = movement(1, "sale", 2, START)
    state = fold(StockState(), sale, "s")
    assert fold(state, sale, "s") is state


def test_a_movement_beyond_retention_is_not_told_from_a_repeat_and_changes_nothing() -> None:
    old, new = movement(1, "receipt", 9, START), movement(2, "receipt", 1, START + RETENTION + HOUR)
    state = folded([old, new])
    assert on_hand(state) == 10
    assert fold(state, old, "s") is state


def test_a_transfer_takes_here_and_gives_there() -> None:
    transfer = movement(1, "transfer", 3, START, to_store_id="t")
    assert stores_of(transfer) == ("s", "t")
    assert (on_hand(fold(StockState(), transfer, "s")), on_hand(fold(StockState(), transfer, "t"))) == (-3, 3)


@pytest.mark.parametrize(
    ("kind", "quantity", "more"),
    [
        ("sale", 0, {}),
        ("receipt", -1, {}),
        ("count", -1, {}),
        ("transfer", 1, {}),
        ("transfer", 1, {"to_store_id": "s"}),
    ],
)
def test_a_senseless_movement_is_refused(kind: str, quantity: int, more: dict[str, str]) -> None:
    with pytest.raises(Rejected):
        stores_of(movement(1, kind, quantity, START, **more))


def test_a_salable_count_is_not_reduced_by_safety_stock() -> None:
    for basis, expected in [("on_hand", 5), ("salable", 7)]:
        state = StockState(safety_stock=2, safety_at=START)
        state = fold(state, movement(1, "count", 7, START, basis=basis), "s")
        assert position(state, "s", "p", now=START, freshness=DAY).available == expected


def test_the_last_unit_is_reserved_once_and_free_again_after_its_time() -> None:
    state = folded([movement(1, "count", 1, START)])
    take = {"quantity": 1, "ttl": HOUR, "freshness": DAY}
    state, first = reserve(state, "r1", now=START, **take)
    _, again = reserve(state, "r1", now=START, **take)
    _, second = reserve(state, "r2", now=START, **take)
    _, later = reserve(state, "r2", now=START + HOUR, **take)
    assert (first, again, second, later) == ("created", "repeated", "out_of_stock", "created")
    assert release(state, "r1", now=START)[1] is True
    assert release(state, "r1", now=START + HOUR)[1] is False


def test_stale_stock_promises_nothing() -> None:
    state = folded([movement(1, "count", 5, START)])
    stale = position(state, "s", "p", now=START + DAY + 1, freshness=DAY)
    assert (stale.on_hand, stale.available, stale.fresh) == (5, 0, False)
    assert reserve(state, "r", quantity=1, ttl=HOUR, now=START + DAY + 1, freshness=DAY)[1] == "stock_stale"
    assert reserve(StockState(), "r", quantity=1, ttl=HOUR, now=START, freshness=DAY)[1] == "stock_stale"


def test_an_order_holds_its_units_until_the_movement_of_that_order() -> None:
    state = folded([movement(1, "count", 5, START)])
    state, _ = reserve(state, "r1", quantity=2, ttl=HOUR, now=START, freshness=DAY)
    state = commit(state, "o1", 2, reservation_ids=("r1",), now=START + 1)
    seen = position(state, "s", "p", now=START + 1, freshness=DAY)
    assert (seen.on_hand, seen.reserved, seen.committed, seen.available) == (5, 0, 2, 3)
    assert commit(state, "o1", 2, reservation_ids=(), now=START + 2) is state
    shipped = position(
        fold(state, movement(2, "sale", 2, START + 3, order_id="o1"), "s"), "s", "p", now=START + 3, freshness=DAY
    )
    assert (shipped.on_hand, shipped.committed, shipped.available) == (3, 0, 3)
    counted = position(fold(state, movement(3, "count", 3, START + 3), "s"), "s", "p", now=START + 3, freshness=DAY)
    assert (counted.on_hand, counted.committed, counted.available) == (3, 0, 3)
