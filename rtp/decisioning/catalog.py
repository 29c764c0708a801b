"""The catalogue: what purchases teach about products, stores and customers, as compact arrays.

Read-only and memory-mapped: processes on one machine share its pages, and a million customers cost disk, not
start-up time. Ids are sorted fixed-width bytes, found by binary search. Made by rtp.optimization.catalog_build, kept by
rtp.stores.models.
"""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Ids = npt.NDArray[np.bytes_]

PRODUCT_STATS = (
    "popularity", "log_rank", "trend", "repeat_rate", "customer_share", "typical_gap_days", "log_price",
    "discount_share",
)  # fmt: skip
CUSTOMER_STATS = ("baskets", "first_at", "last_at", "mean_gap_days", "mean_lines", "log_price", "discount_share")
DAYPARTS = 8
"""Six four-hour parts of a weekday, then the two halves of a weekend day."""

STORE, WAREHOUSE, WEB = 0, 1, 2


class Csr(msgspec.Struct, frozen=True):
    """Rows of unequal length: row r is `index[start[r]:start[r + 1]]` with its `value`s."""

    start: Longs
    index: Ints
    value: Floats

    def row(self, row: int) -> tuple[Ints, Floats]:
        """Indexes and values of one row."""
        begin, end = self.start[row], self.start[row + 1]
        return self.index[begin:end], self.value[begin:end]


class Habits(msgspec.Struct, frozen=True):
    """What one customer bought, one entry a product, sorted by product; and the customer's own figures."""

    product: Ints
    baskets: Floats
    """Baskets that held it."""
    decayed: Floats
    """The same, each weighing `gamma` to the power of the baskets since."""
    first_at: Longs
    last_at: Longs
    """Seconds since 1970 UTC."""
    since: Ints
    """Baskets since the last one that held it; 0 is the latest basket."""
    stats: npt.NDArray[np.float64]
    """As CUSTOMER_STATS; times in seconds."""
    favourite_store: int
    kindred: tuple[Ints, Floats]
    """Products that customers who buy alike buy, with a weight; sorted by product."""


class Products(msgspec.Struct, frozen=True):
    """All products of the catalogue; the row is the product's index."""

    ids: Ids
    names: npt.NDArray[np.str_]
    category: Ints
    department: Ints
    brand: Ints
    """Codes; -1 is unknown."""
    price: Floats
    """Average price paid per unit, else the list price; NaN is unknown."""
    cost: Floats
    """NaN is unknown."""
    stats: Floats
    """Columns as PRODUCT_STATS."""
    dayparts: Floats
    """How much more than average a product sells in a part of the week (DAYPARTS columns); 1 is average."""
    popular: Ints
    """Best sold first."""
    neighbours: Csr
    """Bought together more than chance explains, strongest first."""


class Stores(msgspec.Struct, frozen=True):
    """All stores; the row is the store's index."""

    ids: Ids
    kinds: npt.NDArray[np.int8]
    sales: Csr
    """Share of the store's baskets that hold a product, recent ones weighing more; sorted by product."""
    sellers: Csr
    """The same, best first, the first few hundred."""


class Customers(msgspec.Struct, frozen=True):
    """All customers with purchases; the row is the customer's index. See Habits for the columns."""

    ids: Ids
    start: Longs
    product: Ints
    baskets: Floats
    decayed: Floats
    first_at: Longs
    last_at: Longs
    since: Ints
    stats: npt.NDArray[np.float64]
    favourite_store: Ints
    kindred: Csr

    def habits(self, row: int) -> Habits:
        """One customer's view."""
        part = slice(int(self.start[row]), int(self.start[row + 1]))
        return Habits(
            product=self.product[part],
            baskets=self.baskets[part],
            decayed=self.decayed[part],
            first_at=self.first_at[part],
            last_at=self.last_at[part],
            since=self.since[part],
            stats=self.stats[row],
            favourite_store=int(self.favourite_store[row]),
            kindred=self.kindred.row(row),
        )


class Catalog(msgspec.Struct, frozen=True):
    """One version of the catalogue."""

    version: str
    as_of: int
    """Microseconds since 1970 UTC: purchases before this moment are in it."""
    products: Products
    stores: Stores
    customers: Customers

    def product(self, product_id: str) -> int | None:
        """A product's index."""
        return find(self.products.ids, product_id)

    def store(self, store_id: str) -> int | None:
        """A store's index."""
        return find(self.stores.ids, store_id)

    def habits(self, customer_id: str) -> Habits | None:
        """What a customer bought, or None if that is nothing."""
        row = find(self.customers.ids, customer_id)
        return None if row is None else self.customers.habits(row)

    def product_id(self, index: int) -> str:
        """The id of a product."""
        return bytes(self.products.ids[index]).decode()

    def store_id(self, index: int) -> str:
        """The id of a store."""
        return bytes(self.stores.ids[index]).decode()

    def stores_of_kind(self, kind: int) -> list[str]:
        """Ids of all stores of a kind."""
        return [bytes(value).decode() for value in self.stores.ids[self.stores.kinds == kind]]


def find(ids: Ids, value: str) -> int | None:
    """Position of an id in a sorted array."""
    wanted = value.encode()
    position = int(ids.searchsorted(np.bytes_(wanted)))
    return position if position < len(ids) and ids[position] == wanted else None


def daypart(at: int) -> int:
    """The part of the week (0 to DAYPARTS - 1) of a moment, in seconds since 1970 UTC."""
    if (at // 86_400 + 4) % 7 in {0, 6}:
        return 6 + at % 86_400 // 43_200
    return at % 86_400 // 14_400


def no_kindred() -> tuple[Ints, Floats]:
    """Of somebody who has no history."""
    return np.empty(0, np.int32), np.empty(0, np.float32)


def arrays_of(value: Any, prefix: str = "") -> dict[str, npt.NDArray[Any]]:
    """All arrays of a catalogue by dotted name, for whoever stores them."""
    found: dict[str, npt.NDArray[Any]] = {}
    for name in value.__struct_fields__:
        field = getattr(value, name)
        if isinstance(field, np.ndarray):
            found[prefix + name] = field
        elif isinstance(field, msgspec.Struct):
            found |= arrays_of(field, f"{prefix}{name}.")
    return found


def from_arrays(version: str, as_of: int, arrays: dict[str, npt.NDArray[Any]]) -> Catalog:
    """The inverse of `arrays_of`; raises KeyError naming an array that is missing."""

    def build(kind: type[Any], prefix: str) -> Any:
        return kind(
            **{
                field.name: build(field.type, f"{prefix}{field.name}.")
                if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
                else arrays[prefix + field.name]
                for field in msgspec.structs.fields(kind)
            }
        )

    return Catalog(
        version=version,
        as_of=as_of,
        products=build(Products, "products."),
        stores=build(Stores, "stores."),
        customers=build(Customers, "customers."),
    )
