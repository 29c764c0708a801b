"""Offers that a shopper was shown, and those they took up.

An offer is seen when an exposure names it (`Promotion Viewed`, `Decision Viewed`, an e-mail opened …), and taken when
the shopper clicks it, applies it, or orders with it.
"""

from typing import Any

from rtp.features.accumulators import DAY, Newest
from rtp.features.commerce import ORDER_COMPLETED, text
from rtp.signals.event import Event
from rtp.signals.vocabulary import SPECS

SEEN_AGAIN_DAYS = 30
_NAMES = ("offer_id", "offerId", "promotion_id", "promotionId")
_LISTS = ("offers", "products", "actions")
EXPOSURES = frozenset(
    each.name for each in SPECS if not each.by_shopper and each.source in {"browse", "email", "message", "ads"}
)
TAKINGS = frozenset({"Promotion Clicked", "Coupon Applied", "Email Link Clicked", "Push Notification Tapped",
                     "SMS Link Clicked", "Ad Clicked", ORDER_COMPLETED})  # fmt: skip


def offer_ids(properties: dict[str, Any]) -> list[str]:
    """The offers that properties name: one, several in `offers`, or those of their `products` and `actions`."""
    found = [text(properties.get(name)) for name in _NAMES]
    for name in ("offers", "products", "actions"):
        listed = properties.get(name)
        for each in listed if isinstance(listed, list) else []:
            found += (
                [text(each.get(key)) for key in _NAMES] if isinstance(each, dict) else [text(each)] * (name == "offers")
            )
    return [offer for offer in dict.fromkeys(found) if offer]


def is_exposure(event: Event) -> bool:
    """Whether the event shows at least one offer."""
    return event.name in EXPOSURES and bool(offer_ids(event.properties))


def entries(event: Event) -> list[list[Any]]:
    """[at, message id, offer id, 1 taken or 0 seen] of an event."""
    taken = int(event.name in TAKINGS)
    named = offer_ids(event.properties)
    if taken and (coupon := text(event.properties.get("coupon", event.properties.get("couponId")))):
        named = list(dict.fromkeys([*named, coupon]))
    return [[event.occurred_at, event.message_id, offer, taken] for offer in named]


OFFERS = Newest(
    "offers", entries, key=slice(2, 4), limit=60, horizon=SEEN_AGAIN_DAYS * DAY, on=EXPOSURES | TAKINGS
)  # fmt: skip


def seen(state: list[list[Any]], _now: int) -> int:
    """How many different offers were seen."""
    return sum(1 for entry in state if not entry[3])


def untaken(state: list[list[Any]], _now: int) -> list[str]:
    """Offers seen and not taken, the one seen last first."""
    taken = {entry[2] for entry in state if entry[3]}
    return [entry[2] for entry in reversed(state) if not entry[3] and entry[2] not in taken]


def untaken_count(state: list[list[Any]], now: int) -> int:
    """How many offers were seen and not taken."""
    return len(untaken(state, now))
