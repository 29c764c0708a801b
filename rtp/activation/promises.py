"""What a message promises of stock, looked at again just before each attempt to send it."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from rtp.activation.telemetry import WITHDRAWN
from rtp.decisioning.decision import Action
from rtp.decisioning.fulfilment import Option, promise
from rtp.inventory.stock import StockPosition

Broken = Literal["OUT_OF_STOCK", "STOCK_STALE"]


class StockReader(Protocol):
    """Positions at source; every StockStore is one."""

    async def positions(self, pairs: Sequence[tuple[str, str]], *, now: int) -> list[StockPosition | None]:
        """Raises Retryable where it cannot be asked."""
        ...


async def still_kept(
    actions: Sequence[Action], stock: StockReader, *, trigger_id: str, now: int
) -> tuple[list[Action], Broken | None]:
    """The actions whose promise still holds, as stock says now, and why others were withdrawn (counted).

    What promises no stock stays as it is.
    """
    promising = [action for action in actions if action.fulfilment and action.product_id]
    pairs = [(str(each.fulfilment and each.fulfilment.store_id), str(each.product_id)) for each in promising]
    found = dict(zip(pairs, await stock.positions(pairs, now=now), strict=True)) if pairs else {}
    kept: list[Action] = []
    broken: Broken | None = None
    for action in actions:
        said = _renewed(action, found)
        if isinstance(said, Action):
            kept.append(said)
        else:
            broken = said
            WITHDRAWN.labels(trigger_id, said).inc()
    return kept, broken


def _renewed(action: Action, found: dict[tuple[str, str], StockPosition | None]) -> Action | Broken:
    if not (action.fulfilment and action.product_id):
        return action
    store_id = action.fulfilment.store_id
    said = promise(Option(action.fulfilment.method, store_id), found[(store_id, action.product_id)])
    if isinstance(said, str):
        return "STOCK_STALE" if said == "STOCK_STALE" else "OUT_OF_STOCK"
    return msgspec.structs.replace(action, fulfilment=said)
