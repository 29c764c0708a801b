"""What a shopper last did it with: products, categories, prices; and lists in fields short enough for the store."""

from collections.abc import Callable, Sequence
from typing import Any

from rtp.features import commerce
from rtp.features.accumulators import DAY, Newest
from rtp.features.definition import LiveFeature, once
from rtp.features.types import FeatureType
from rtp.features.values import FeatureRow
from rtp.signals.event import Event

SHORT = 64
"""Bytes of a stored value: one longer value makes Redis keep a shopper's whole hash in several times the memory."""
_ITEM_OVERHEAD, _LIST_OVERHEAD = 2, 2

_LOOKED_AT = frozenset({commerce.PRODUCT_VIEWED})
_ORDERED = frozenset({commerce.ORDER_COMPLETED})
_INTERESTED = frozenset({commerce.PRODUCT_VIEWED, commerce.PRODUCT_ADDED})


def _products(event: Event) -> list[list[Any]]:
    return [[event.occurred_at, event.message_id, line.product_id] for line in commerce.product_lines(event)]


def _categories(event: Event) -> list[list[Any]]:
    lines = commerce.product_lines(event)
    return [[event.occurred_at, event.message_id, line.category] for line in lines if line.category]


def _prices(event: Event) -> list[list[Any]]:
    return [
        [event.occurred_at, event.message_id, line.product_id, line.price]
        for line in commerce.product_lines(event)
        if line.price is not None and line.price > 0
    ]


LAST_PRODUCTS = Newest("last_products", _products, key=slice(2, 3), limit=10, horizon=30 * DAY, on=_LOOKED_AT)
LAST_BOUGHT = Newest("last_bought", _products, key=slice(2, 3), limit=20, horizon=7 * DAY, on=_ORDERED)
LAST_CATEGORIES = Newest("last_categories", _categories, key=slice(2, 3), limit=5, horizon=30 * DAY, on=_INTERESTED)
PRICES = Newest("prices", _prices, key=slice(2, 3), limit=20, horizon=30 * DAY, on=_INTERESTED | _ORDERED)


def short(value: str | None) -> str | None:
    """The text if it is short when stored: what is longer is no channel and no store."""
    return value if value is not None and len(value.encode()) + _LIST_OVERHEAD <= SHORT else None


def newest_first(state: list[list[Any]], _now: int) -> list[str]:
    """The things of the entries, each once."""
    return [entry[2] for entry in reversed(state)]


def price_at(share: float) -> Callable[[list[list[Any]], int], int]:
    """The price that this share of the newest prices does not exceed, by nearest rank."""

    def value(state: list[list[Any]], _now: int) -> int:
        prices = sorted(entry[3] for entry in state)
        return int(prices[min(int(share * len(prices)), len(prices) - 1)])

    return value


def texts(
    name: str, meaning: str, over: Newest, values: Callable[[Any, int], list[str]], *, fields: int
) -> tuple[LiveFeature, ...]:
    """A list in so many features, `name`, `name_2` …, each at most SHORT bytes; read it with :func:`listed`.

    What does not fit into all of them is left out from its end: lists come newest first.
    """

    all_parts = once(lambda state, now: packed(values(state, now)))

    def part(number: int) -> Callable[[Any, int], list[str] | None]:
        def value(state: Any, now: int) -> list[str] | None:
            parts = all_parts(state, now)
            return parts[number] if number < len(parts) else None

        return value

    first = LiveFeature(name=name, type=FeatureType.TEXTS, meaning=meaning, over=over, value=part(0))
    more = (
        LiveFeature(
            name=f"{name}_{number + 1}", type=FeatureType.TEXTS, over=over, value=part(number),
            meaning=f"What did not fit into `{name if number == 1 else f'{name}_{number}'}`.",
        )
        for number in range(1, fields)
    )  # fmt: skip
    return (first, *more)


def packed(values: Sequence[str]) -> list[list[str]]:
    """The list cut into parts that are short when stored; one that is long by itself has a part of its own."""
    parts: list[list[str]] = [[]]
    size = _LIST_OVERHEAD
    for value in values:
        needed = len(value.encode()) + _ITEM_OVERHEAD
        if parts[-1] and size + needed > SHORT:
            parts.append([])
            size = _LIST_OVERHEAD
        parts[-1].append(value)
        size += needed
    return parts


def listed(row: FeatureRow, name: str) -> list[str]:
    """A list out of all the features it was put into; empty where it is unknown."""
    found: list[str] = []
    number, part = 1, row.get(name)
    while isinstance(part, list):
        found += part
        number += 1
        part = row.get(f"{name}_{number}")
    return found
