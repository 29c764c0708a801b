"""Events for the tests of features: made briefly, and drawn at random."""

from typing import Any

from hypothesis import strategies as st

from rtp.features.accumulators import DAY, MINUTE
from rtp.signals.event import Event

NOW = 1_790_000_000_000_000


def track(
    name: str, *, at: int = NOW, message: str = "m", context: dict[str, Any] | None = None, **properties: Any
) -> Event:
    return Event(
        message_id=message,
        type="track",
        name=name,
        occurred_at=at,
        received_at=max(at, NOW),
        user_id="u",
        properties=properties,
        context=context or {},
    )


NAMES = (
    "Product Viewed", "Product Added", "Product Removed", "Products Searched", "Order Completed", "Order Cancelled",
    "Cart Cleared", "Experiment Viewed", "Email Opened", "Recipe Saved", "Promotion Viewed", "Promotion Clicked",
    "Page Engaged", "Checkout Started",
)  # fmt: skip
IDS = st.sampled_from(("1", "2", "3", 4))
PRICES = st.one_of(st.none(), st.sampled_from((0, 1.99, "2.50", 3)), st.integers(0, 10_000))
LINES = st.fixed_dictionaries(
    {"product_id": IDS},
    optional={"price": PRICES, "quantity": st.integers(0, 3), "category": st.sampled_from(("soup", "bread"))},
)
PROPERTIES = st.one_of(
    LINES,
    st.fixed_dictionaries(
        {"order_id": st.sampled_from(("o1", "o2", "o3"))},
        optional={"products": st.lists(LINES, max_size=4), "total": PRICES},
    ),
    st.just({}),
    st.fixed_dictionaries({"offer_id": st.sampled_from(("f1", "f2")), "dwellMs": st.integers(0, 10**7)}),
    st.fixed_dictionaries({"scrollDepth": st.integers(0, 100)}),
)
# Ages crowd around ties, the edges of windows and what is too old to be kept.
AGES = st.one_of(
    st.sampled_from((0, MINUTE, 30 * MINUTE, DAY, DAY - 1, 30 * DAY, 240 * DAY)), st.integers(0, 300 * DAY)
)


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    """Distinct messages, as the worker leaves them after dropping repetitions."""
    size = draw(st.integers(0, 12))
    return [
        Event(
            message_id=f"m{index}",
            type=draw(st.sampled_from(("track", "track", "track", "page", "identify"))),
            name=draw(st.sampled_from(NAMES)),
            occurred_at=NOW - draw(AGES),
            received_at=NOW,
            anonymous_id="a",
            properties=draw(PROPERTIES),
            context=draw(st.sampled_from(({}, {"channel": "store", "storeId": "s1"}, {"channel": "app"}))),
        )
        for index in range(size)
    ]
