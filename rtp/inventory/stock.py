"""The stock port."""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import msgspec

MovementKind = Literal["count", "sale", "receipt", "return", "transfer", "adjustment"]


class Movement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One change of stock; `quantity` is positive and the kind gives the sign (only `adjustment` is signed)."""

    movement_id: str
    store_id: str
    product_id: str
    kind: MovementKind
    quantity: int
    occurred_at: int
    """Microseconds since 1970 UTC."""
    to_store_id: str | None = None
    order_id: str | None = None
    reservation_id: str | None = None
    basis: Literal["on_hand", "salable"] = "on_hand"


class MovementRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A movement as it was accepted: what the archive keeps."""

    received_at: int
    """Microseconds since 1970 UTC."""
    movement: Movement


class MovementLog(Protocol):
    """Keeps accepted movements, durably, until they are archived."""

    async def append(self, records: Sequence[MovementRecord]) -> None:
        """Stores them; one sent again is stored again, and counted once. Raises Retryable."""
        ...


class StockPosition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a store has of a product; `available` is what may be promised, 0 where the position is not fresh."""

    store_id: str
    product_id: str
    on_hand: int
    reserved: int
    committed: int
    safety_stock: int
    available: int
    as_of: int | None
    """Microseconds since 1970 UTC of the newest count or movement; None if never counted."""
    fresh: bool


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `inventory_position`: units counted at a moment, and how many of them are never promised."""

    store_id: str
    product_id: str
    quantity: int
    counted_at: int
    """Microseconds since 1970 UTC: what `quantity` takes into account happened until then."""
    safety_stock: int = 0
    salable: bool = False
    physical_at: int | None = None
    """When somebody counted the shelf, where that was earlier: orders placed since then are not let go of."""
    settled: Sequence[str] = ()
    """Orders whose goods have left, and are no longer in `quantity`."""
    build: str = ""
    """Which build says so; of two that speak for the same moment the greater name stands."""


class StockStore(Protocol):
    """Stock by (store, product): counts and movements in any order, reservations, commitments."""

    async def apply(self, movements: Sequence[Movement]) -> int:
        """Applies movements; a repeated `movement_id` changes nothing; returns how many were new."""
        ...

    async def seed(self, counts: Iterable[Count]) -> int:
        """Loads counts in bulk, as count movements with derived ids; what is newer stands; returns how many changed."""
        ...

    async def position(self, store_id: str, product_id: str, *, now: int) -> StockPosition | None:
        """The position at source, or None if the pair was never heard of."""
        ...

    async def positions(self, pairs: Sequence[tuple[str, str]], *, now: int) -> list[StockPosition | None]:
        """Positions at source of many (store, product) pairs, in one round trip."""
        ...

    async def reserved(self, store_id: str, *, now: int) -> dict[str, int]:
        """Units that running reservations hold at `now`, by product; products without any are left out."""
        ...

    async def screen(self, store_id: str, product_ids: Sequence[str], *, now: int) -> list[int]:
        """Units available per product from the store's mirror, one round trip; 0 where unknown or stale."""
        ...

    async def screen_known(self, store_id: str, product_ids: Sequence[str], *, now: int) -> list[int | None]:
        """As `screen`, with None instead of 0 where the position is stale or unknown."""
        ...

    async def reserve(
        self, store_id: str, product_id: str, reservation_id: str, *, quantity: int, ttl_seconds: int, now: int
    ) -> Literal["created", "repeated", "out_of_stock", "stock_stale"]:
        """Takes units out of `available` until the time is over, the order commits them, or they are released."""
        ...

    async def release(self, store_id: str, product_id: str, reservation_id: str, *, now: int) -> bool:
        """Gives a reservation back; False if there was none."""
        ...

    async def commit(
        self,
        order_id: str,
        store_id: str,
        quantities: dict[str, int],
        *,
        now: int,
        placed_at: int | None = None,
        reservation_ids: Sequence[str] = (),
    ) -> None:
        """An order was placed: its reservations become commitments (or new ones are made), once per order.

        `placed_at` is now, unless the order is told of late: then the counts made since have seen its units go.

        Its reservations are those named here, and one that carries the order's id.
        """
        ...
