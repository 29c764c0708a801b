"""Bulk counts: what the batch build knows of stock, as ordinary count movements."""

from collections.abc import Sequence

import msgspec

from rtp.inventory.state import Hold, StockState, with_count, with_safety_stock
from rtp.inventory.stock import Count, Movement


def movement(count: Count) -> Movement:
    """The count as a movement; its id is derived, so loading it again changes nothing."""
    return Movement(
        movement_id=f"count:{count.build}:{count.quantity}",
        store_id=count.store_id,
        product_id=count.product_id,
        kind="count",
        quantity=max(0, count.quantity),
        occurred_at=count.counted_at,
        basis="salable" if count.salable else "on_hand",
    )


def with_bulk_count(state: StockState, count: Count) -> StockState:
    """The state with this count and safety stock; newer counts and later movements stand.

    A build knows of sales since the shelf was counted, and its count speaks for the newest of them. That says nothing
    about orders in between that still wait: they are let go of by name, or when the shelf is counted.
    """
    counted = (
        state if _says_the_same(state, count) else with_count(state, movement(count), released_at=count.physical_at)
    )
    return with_safety_stock(_let_go(counted, count.settled), count.safety_stock, count.counted_at)


def _says_the_same(state: StockState, count: Count) -> bool:
    known = (state.count_at, state.counted, state.salable, state.released_at)
    released = count.counted_at if count.physical_at is None else count.physical_at
    return known == (count.counted_at, max(0, count.quantity), count.salable, max(state.released_at, released))


def _let_go(state: StockState, settled: Sequence[str]) -> StockState:
    left = {order: Hold(0, state.commitments[order].at) for order in settled if order in state.commitments}
    if all(state.commitments[order] == hold for order, hold in left.items()):
        return state
    return msgspec.structs.replace(state, commitments=state.commitments | left)
