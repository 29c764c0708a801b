"""The visit that is going on: how long, how deep, and what it is for. Kept minute by minute, told apart when read.

Where a session begins depends on events that may still come late; so minutes are kept, and the pauses between them are
looked for at the moment of reading.
"""

import msgspec

from rtp.features import commerce
from rtp.features.accumulators import MICROS, MINUTE, State
from rtp.features.commerce import is_activity
from rtp.features.definition import once
from rtp.signals import engagement
from rtp.signals.event import Event

PAUSE_MINUTES = 30
MINUTES_KEPT = 240

INTENTS = ("browsing", "searching", "considering", "buying", "bought", "asking for help")
"""What a session is for: the furthest of these that it came to. Whoever asks for help wants no offer then."""
_STAGE = {
    "Products Searched": 1, "Product List Filtered": 1,
    commerce.PRODUCT_ADDED: 2, "Product Added to Wishlist": 2, "Wishlist Product Added to Cart": 2, "Cart Viewed": 2,
    "Checkout Started": 3, "Checkout Step Viewed": 3, "Checkout Step Completed": 3, "Payment Info Entered": 3,
    commerce.ORDER_COMPLETED: 4,
    "Support Ticket Opened": 5,
}  # fmt: skip

READ_PERCENT = 75
"""A page scrolled so far was read."""
UNTOLD = -1


class Minute(msgspec.Struct, frozen=True, array_like=True):
    """What happened in one minute. As stored: a list of these integers."""

    minute: int
    events: int = 0
    pages: int = 0
    """Pages and screens opened."""
    products: int = 0
    """Products looked at."""
    stages: int = 0
    """The intents come to, one bit each."""
    scroll: int = UNTOLD
    """The deepest scroll, in percent."""
    dwell: int = UNTOLD
    """Milliseconds of pages being looked at."""


class Minutes(msgspec.Struct, frozen=True):
    """Minutes of activity: sums, the deepest scroll and all stages of each."""

    name: str
    on: frozenset[str] | None = None

    def lift(self, event: Event) -> State | None:
        """One minute, for what the shopper did."""
        if not is_activity(event):
            return None
        scroll, dwell = engagement.scroll_depth(event), engagement.dwell_ms(event)
        return [[
            event.occurred_at // MINUTE,
            1,
            int(event.type in {"page", "screen"}),
            int(commerce.is_track(event, commerce.PRODUCT_VIEWED)),
            1 << (_STAGE.get(event.name, 0) if event.type == "track" else 0),
            UNTOLD if scroll is None else scroll,
            UNTOLD if dwell is None else dwell,
        ]]  # fmt: skip

    def combine(self, left: State, right: State) -> State:
        """Minute by minute."""
        minutes: dict[int, list[int]] = {each[0]: each for each in left}
        for each in right:
            had = minutes.get(each[0])
            minutes[each[0]] = each if had is None else _together(had, each)
        oldest = max(minutes) - MINUTES_KEPT
        return [minutes[minute] for minute in sorted(minutes) if minute > oldest]


MINUTES = Minutes("visit")


def _together(one: list[int], other: list[int]) -> list[int]:
    told = [each[6] for each in (one, other) if each[6] != UNTOLD]
    return [
        one[0], one[1] + other[1], one[2] + other[2], one[3] + other[3], one[4] | other[4], max(one[5], other[5]),
        sum(told) if told else UNTOLD,
    ]  # fmt: skip


@once
def current(state: list[list[int]], now: int) -> list[Minute]:
    """The minutes since the last pause of half an hour, newest first; none once such a pause is on."""
    later, session = now // MINUTE, []
    for each in reversed(state):
        if later - each[0] > PAUSE_MINUTES:
            break
        later = each[0]
        session.append(Minute(*each))
    return session


def events(state: list[list[int]], now: int) -> int:
    """Activities in the session."""
    return sum(each.events for each in current(state, now))


def depth(state: list[list[int]], now: int) -> int:
    """Pages opened, or products looked at where that is more: senders tell one, the other or both."""
    session = current(state, now)
    return max(sum(each.pages for each in session), sum(each.products for each in session))


def started_at(state: list[list[int]], now: int) -> int | None:
    """When the session began, to the minute."""
    session = current(state, now)
    return session[-1].minute * MINUTE if session else None


def intent(state: list[list[int]], now: int) -> str | None:
    """The furthest of INTENTS that the session came to."""
    reached = 0
    for each in current(state, now):
        reached |= each.stages
    return INTENTS[reached.bit_length() - 1] if reached else None


def scroll_depth(state: list[list[int]], now: int) -> int | None:
    """The deepest scroll of the session; None where no page told."""
    deepest = max((each.scroll for each in current(state, now)), default=UNTOLD)
    return None if deepest == UNTOLD else deepest


def dwell_seconds(state: list[list[int]], now: int) -> int | None:
    """How long the session's pages were looked at; None where no page told."""
    told = [each.dwell for each in current(state, now) if each.dwell != UNTOLD]
    return sum(told) * 1000 // MICROS if told else None
