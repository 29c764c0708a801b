"""Orders of every channel, each once by its id, and what they were worth."""

from typing import Any

from rtp.features import commerce
from rtp.features.accumulators import DAY, Newest
from rtp.features.definition import LiveFeature, decay
from rtp.features.types import FeatureType

ORDERS = Newest(
    "orders", commerce.ordered, key=slice(1, 2), limit=200, horizon=240 * DAY,
    on=frozenset({commerce.ORDER_COMPLETED, commerce.ORDER_CANCELLED}),
)  # fmt: skip


def of_24h(state: list[list[Any]], now: int) -> int:
    """How many in the last 24 hours."""
    return sum(1 for at, _, placed, _ in state if placed and at > now - DAY)


def sales_decayed(name: str, meaning: str, half_life: int) -> LiveFeature:
    """Cents spent, halving with age."""
    return LiveFeature(
        name=name, type=FeatureType.FLOAT, meaning=meaning, over=ORDERS, before=0.0, half_life=half_life,
        value=lambda state, now: sum(
            (cents * decay(now - at, half_life) for at, _, placed, cents in state if placed and cents > 0), 0.0
        ),
    )  # fmt: skip


def orders_decayed(name: str, meaning: str, half_life: int) -> LiveFeature:
    """How many, halving with age."""
    return LiveFeature(
        name=name, type=FeatureType.FLOAT, meaning=meaning, over=ORDERS, before=0.0, half_life=half_life,
        value=lambda state, now: sum((decay(now - at, half_life) for at, _, placed, _ in state if placed), 0.0),
    )  # fmt: skip
