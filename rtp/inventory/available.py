"""What may be promised of a position, and the decisions that hold units back."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from rtp.inventory.state import NEVER, Hold, StockState, newest_at
from rtp.inventory.stock import StockPosition

ReserveOutcome = Literal["created", "repeated", "out_of_stock", "stock_stale"]


class Availability(msgspec.Struct, frozen=True, array_like=True):
    """What a mirror keeps of a position; enough to know what is available at any later moment without the position."""

    version: int
    free: int
    """On hand less commitments and safety stock."""
    as_of: int
    reserved: int
    reserved_until: int
    """When the last of the reservations ends."""

    def at(self, now: int, freshness: int) -> int:
        """Units that may be promised at `now`; while any reservation runs, all of them count."""
        if now - self.as_of > freshness:
            return 0
        return max(0, self.free - (self.reserved if now < self.reserved_until else 0))


def on_hand(state: StockState) -> int:
    """The newest count plus the movements after it."""
    after = sum(entry.delta for entry in state.movements.values() if entry.at > state.count_at)
    return state.counted + state.sealed_delta + after


def committed(state: StockState) -> int:
    """Units of placed orders that no movement with that order and no later count has released."""
    sold: dict[str | None, int] = {}
    for entry in state.movements.values():
        if entry.order_id and entry.delta < 0:
            sold[entry.order_id] = sold.get(entry.order_id, 0) - entry.delta
    return sum(
        max(0, hold.quantity - sold.get(order_id, 0))
        for order_id, hold in state.commitments.items()
        if hold.at > state.released_at
    )


def running(state: StockState, now: int) -> dict[str, Hold]:
    """Reservations that hold units at `now`: neither over nor consumed by a movement."""
    consumed = {entry.reservation_id for entry in state.movements.values() if entry.reservation_id}
    return {key: hold for key, hold in state.reservations.items() if hold.until > now and key not in consumed}


def availability(state: StockState, now: int) -> Availability:
    """The summary of a state for its mirror."""
    held = running(state, now).values()
    return Availability(
        version=state.version,
        free=on_hand(state) - committed(state) - (0 if state.salable else state.safety_stock),
        as_of=newest_at(state),
        reserved=sum(hold.quantity for hold in held),
        reserved_until=max((hold.until for hold in held), default=0),
    )


def position(state: StockState, store_id: str, product_id: str, *, now: int, freshness: int) -> StockPosition:
    """The position at `now`; `freshness` in µs is how old the newest fact may be."""
    summary = availability(state, now)
    return StockPosition(
        store_id=store_id,
        product_id=product_id,
        on_hand=on_hand(state),
        reserved=summary.reserved,
        committed=committed(state),
        safety_stock=state.safety_stock,
        available=summary.at(now, freshness),
        as_of=None if summary.as_of == NEVER else summary.as_of,
        fresh=now - summary.as_of <= freshness,
    )


def reserve(
    state: StockState, reservation_id: str, *, quantity: int, ttl: int, now: int, freshness: int
) -> tuple[StockState, ReserveOutcome]:
    """Takes units until `now + ttl` µs if they are there; a repeated id holds no more than before."""
    held = running(state, now)
    consumed = any(entry.reservation_id == reservation_id for entry in state.movements.values())
    if reservation_id in held or consumed:
        return state, "repeated"
    summary = availability(state, now)
    if now - summary.as_of > freshness:
        return state, "stock_stale"
    if summary.at(now, freshness) < quantity:
        return state, "out_of_stock"
    return msgspec.structs.replace(
        state, reservations={**held, reservation_id: Hold(quantity, now, now + ttl)}
    ), "created"


def release(state: StockState, reservation_id: str, *, now: int) -> tuple[StockState, bool]:
    """Gives a running reservation back."""
    held = running(state, now)
    if held.pop(reservation_id, None) is None:
        return state, False
    return msgspec.structs.replace(state, reservations=held), True


def commit(
    state: StockState,
    order_id: str,
    quantity: int,
    *,
    reservation_ids: Sequence[str],
    now: int,
    placed_at: int | None = None,
) -> StockState:
    """Holds an order's units until they are shipped or counted; its reservations end. Once per order.

    What counts as "counted" is any count after `placed_at`: an order told of late was on the shelf for none of them.
    """
    if order_id in state.commitments:
        return state
    ended = {order_id, *reservation_ids}
    held = {key: hold for key, hold in running(state, now).items() if key not in ended}
    return msgspec.structs.replace(
        state,
        reservations=held,
        commitments={**state.commitments, order_id: Hold(quantity, now if placed_at is None else placed_at)},
    )
