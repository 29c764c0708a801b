"""Bulk counts: what the batch build knows of stock, as ordinary count movements."""

from rtp.inventory.state import StockState, fold, with_safety_stock
from rtp.inventory.stock import Count, Movement


def movement(count: Count) -> Movement:
    """The count as a movement; its id is derived, so loading it again changes nothing."""
    return Movement(
        movement_id=f"count:{count.counted_at}:{count.quantity}",
        store_id=count.store_id,
        product_id=count.product_id,
        kind="count",
        quantity=max(0, count.quantity),
        occurred_at=count.counted_at,
        basis="salable" if count.salable else "on_hand",
    )


def with_bulk_count(state: StockState, count: Count) -> StockState:
    """The state with this count and safety stock; newer counts and later movements stand."""
    return with_safety_stock(fold(state, movement(count), count.store_id), count.safety_stock, count.counted_at)
