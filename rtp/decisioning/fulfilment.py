"""What can be promised: from which store a shopper in a channel can get a product."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from rtp.clock import from_micros
from rtp.decisioning.catalog import STORE, WAREHOUSE, WEB, Catalog
from rtp.decisioning.decision import Channel, Fulfilment, RejectReason
from rtp.inventory.stock import StockPosition, StockStore

Method = Literal["ship", "pickup", "in_store"]


class Option(msgspec.Struct, frozen=True):
    """One way to get a product."""

    method: Method
    store_id: str


class Screened(msgspec.Struct, frozen=True):
    """The first option that has units, or why there is none."""

    option: Option | None
    reason: RejectReason | None


def options(catalog: Catalog, channel: Channel, store_id: str | None, favourite: str | None) -> list[Option]:
    """In order of preference: the context's store, then shipping, then (without a context) the favourite store."""
    found: list[Option] = []
    kind = kind_of(catalog, store_id)
    if store_id and kind == STORE:
        found.append(Option("in_store" if channel == "store" else "pickup", store_id))
    elif store_id and kind is not None:
        found.append(Option("ship", store_id))
    for shipping in (WEB, WAREHOUSE):
        found += [Option("ship", value) for value in catalog.stores_of_kind(shipping) if value != store_id]
    if not store_id and favourite and kind_of(catalog, favourite) == STORE:
        found.append(Option("pickup", favourite))
    return found


def kind_of(catalog: Catalog, store_id: str | None) -> int | None:
    """The kind of a store; None if it is unknown."""
    index = catalog.store(store_id) if store_id else None
    return None if index is None else int(catalog.stores.kinds[index])


async def screened(
    stock: StockStore, choices: Sequence[Option], product_ids: Sequence[str], *, now: int
) -> list[Screened]:
    """For each product the first option that has it, by the stores' mirrors."""
    columns = [await stock.screen_known(option.store_id, product_ids, now=now) for option in choices]
    answers = []
    for row in range(len(product_ids)):
        units = [column[row] for column in columns]
        chosen = next((option for option, has in zip(choices, units, strict=True) if has), None)
        fresh = any(has is not None for has in units)
        answers.append(Screened(chosen, None if chosen else ("OUT_OF_STOCK" if fresh or not units else "STOCK_STALE")))
    return answers


def promise(option: Option, position: StockPosition | None) -> Fulfilment | RejectReason:
    """What the position at source allows to say."""
    if position is None or not position.fresh or position.as_of is None:
        return "STOCK_STALE"
    if position.available <= 0:
        return "OUT_OF_STOCK"
    return Fulfilment(
        method=option.method,
        store_id=option.store_id,
        available=position.available,
        as_of=from_micros(position.as_of).isoformat().replace("+00:00", "Z"),
    )
