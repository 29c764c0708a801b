"""What is known of one (store, product): a pure fold that any order of arrival takes to the same position.

On hand is the newest count plus the movements after it. Facts (counts, movements) commute and repeat harmlessly;
reservations and commitments are decisions, taken one after another.

Facts that arrive more than `RETENTION` behind the newest one are too late to be told from repeats: they are ignored.
"""

import msgspec

from rtp.errors import Rejected
from rtp.inventory.stock import Movement

DAY = 86_400_000_000
RETENTION = 7 * DAY
"""Movements stay apart this long (µs of their own time), then they are summed into the position."""
NEVER = -(2**62)

SIGNS = {"sale": -1, "transfer": -1, "receipt": 1, "return": 1, "adjustment": 1}


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One movement as this position sees it."""

    at: int
    delta: int
    order_id: str | None = None
    reservation_id: str | None = None


class Hold(msgspec.Struct, frozen=True, array_like=True):
    """Units held back since `at`: for a reservation until `until`, for a commitment until it is shipped or counted."""

    quantity: int
    at: int
    until: int = 0


class StockState(msgspec.Struct, frozen=True, array_like=True):
    """The facts of one position; `version` counts its changes."""

    version: int = 0
    count_at: int = NEVER
    count_id: str = ""
    counted: int = 0
    salable: bool = False
    """The count is already net of what its source holds back, so safety stock is not taken off again."""
    safety_stock: int = 0
    safety_at: int = NEVER
    sealed_at: int = NEVER
    sealed_delta: int = 0
    """Sum of the movements after the count that are older than `RETENTION`."""
    movements: dict[str, Entry] = {}
    reservations: dict[str, Hold] = {}
    commitments: dict[str, Hold] = {}
    released_at: int = NEVER
    """When the shelf was last counted: it holds nothing any more for orders placed before."""


def stores_of(movement: Movement) -> tuple[str, ...]:
    """The stores whose position a movement changes: two for a transfer. Raises Rejected where it makes no sense."""
    if movement.quantity <= 0 and movement.kind not in {"adjustment", "count"}:
        raise Rejected(
            f"A {movement.kind} moves a positive quantity, not {movement.quantity}.",
            reason="INVALID_QUANTITY", field="quantity", hint="The kind gives the sign; only adjustment is signed.",
        )  # fmt: skip
    if movement.kind == "count" and movement.quantity < 0:
        raise Rejected("A count cannot be negative.", reason="INVALID_QUANTITY", field="quantity")
    if movement.kind != "transfer":
        return (movement.store_id,)
    if not movement.to_store_id or movement.to_store_id == movement.store_id:
        raise Rejected("A transfer names another store to go to.", reason="INVALID_TRANSFER", field="toStoreId")
    return (movement.store_id, movement.to_store_id)


def fold(state: StockState, movement: Movement, store_id: str) -> StockState:
    """The state with one more count or movement, as `store_id` sees it; the same object if nothing changes."""
    if movement.kind == "count":
        return with_count(state, movement)
    if movement.movement_id in state.movements or movement.occurred_at <= state.sealed_at:
        return state
    if movement.occurred_at <= state.count_at and not (movement.order_id or movement.reservation_id):
        return state
    sign = 1 if store_id == movement.to_store_id else SIGNS[movement.kind]
    entry = Entry(movement.occurred_at, sign * movement.quantity, movement.order_id, movement.reservation_id)
    return sealed(msgspec.structs.replace(state, movements={**state.movements, movement.movement_id: entry}))


def with_count(state: StockState, movement: Movement, *, released_at: int | None = None) -> StockState:
    """A newer count replaces the older one, and what was summed up to it.

    `released_at` is when the shelf itself was counted, where the count was brought forward from then.
    """
    newer = (movement.occurred_at, movement.movement_id) > (state.count_at, state.count_id)
    if not newer or movement.occurred_at < state.sealed_at:
        return state
    kept = {
        key: entry
        for key, entry in state.movements.items()
        if entry.at > movement.occurred_at or entry.order_id or entry.reservation_id
    }
    counted = msgspec.structs.replace(
        state, count_at=movement.occurred_at, count_id=movement.movement_id, counted=movement.quantity,
        salable=movement.basis == "salable", sealed_delta=0, movements=kept,
        released_at=max(state.released_at, movement.occurred_at if released_at is None else released_at),
    )  # fmt: skip
    return sealed(counted)


def with_safety_stock(state: StockState, units: int, at: int) -> StockState:
    """The newest word on how many units are never promised."""
    if (at, units) <= (state.safety_at, state.safety_stock):
        return state
    return msgspec.structs.replace(state, safety_stock=units, safety_at=at)


def sealed(state: StockState) -> StockState:
    """Sums movements older than `RETENTION`, so that a position stays small however long it is not counted."""
    horizon = newest_at(state) - RETENTION
    old = {key: entry for key, entry in state.movements.items() if entry.at <= horizon}
    stale = [key for key, hold in state.commitments.items() if hold.at <= min(horizon, state.released_at)]
    if not old and not stale:
        return state
    commitments = {key: hold for key, hold in state.commitments.items() if key not in stale}
    for entry in old.values():
        hold = commitments.get(entry.order_id or "")
        if hold is not None and entry.delta < 0:
            commitments[entry.order_id or ""] = Hold(max(0, hold.quantity + entry.delta), hold.at)
    return msgspec.structs.replace(
        state,
        sealed_at=max(state.sealed_at, horizon),
        sealed_delta=state.sealed_delta + sum(entry.delta for entry in old.values() if entry.at > state.count_at),
        movements={key: entry for key, entry in state.movements.items() if key not in old},
        commitments=commitments,
    )


def newest_at(state: StockState) -> int:
    """Time of the newest fact; NEVER if there is none."""
    return max(state.count_at, state.sealed_at, max((entry.at for entry in state.movements.values()), default=NEVER))
