"""Stock as features: what the view `stock_live` says after a change."""

from collections.abc import Awaitable, Callable, Sequence

from rtp.features.online import OnlineStore
from rtp.inventory.stock import StockPosition

StockListener = Callable[[Sequence[StockPosition]], Awaitable[None]]
"""Told of positions after they changed; may be told twice or late, never of something that was not so."""

STOCK_LIVE = "stock_live"
VALUES = ("on_hand", "reserved", "committed", "safety_stock", "available", "as_of")


def stock_live(online: OnlineStore) -> StockListener:
    """A listener that writes `stock_live` (as_of in µs) where not older than what is there."""

    async def listen(positions: Sequence[StockPosition]) -> None:
        rows = [
            (
                {"store_id": position.store_id, "product_id": position.product_id},
                position.as_of,
                {name: getattr(position, name) for name in VALUES},
            )
            for position in positions
            if position.as_of is not None
        ]
        if rows:
            await online.write(STOCK_LIVE, rows)

    return listen
