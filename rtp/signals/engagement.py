"""How a page was read, and whether an ad led to it: read out of `Page Engaged`, `page` and `screen`."""

import math
import re

from rtp.signals.event import Event
from rtp.signals.vocabulary import PAGE_ENGAGED

LONGEST_DWELL_MS = 30 * 60_000
"""Nobody looks at one page for longer: what is told beyond it is a tab left open."""
CLICK_ID = re.compile(r"[?&](?:gclid|gbraid|wbraid|dclid|msclkid|fbclid|ttclid|twclid|li_fat_id|epik|irclickid)=[^&#]")
"""What ad networks add to the address of the page that a click leads to."""
PAID_MEDIA = frozenset({"cpc", "ppc", "cpm", "cpv", "paid", "paidsearch", "paid_social", "display", "banner"})
"""Values of `utm_medium` that name an ad; others are e-mails, posts and links."""


def dwell_ms(event: Event) -> int | None:
    """Milliseconds for which the page was visible, at most half an hour; None if the event does not say."""
    told = _told(event, "dwellMs")
    return None if told is None else min(int(told), LONGEST_DWELL_MS)


def scroll_depth(event: Event) -> int | None:
    """The deepest point reached, in percent of the page; None if the event does not say."""
    told = _told(event, "scrollDepth")
    return None if told is None else min(int(told), 100)


def ad_led_here(event: Event) -> bool:
    """Whether an ad was clicked: `Ad Clicked`, or a page or screen that an ad's address or campaign led to."""
    if event.type == "track":
        return event.name == "Ad Clicked"
    if event.type not in {"page", "screen"}:
        return False
    campaign = event.context.get("campaign")
    medium = campaign.get("medium") if isinstance(campaign, dict) else None
    if isinstance(medium, str) and medium.strip().lower() in PAID_MEDIA:
        return True
    page = event.context.get("page")
    places = (event.properties, page if isinstance(page, dict) else {})
    addresses = [place.get(name) for place in places for name in ("search", "url")]
    return any(isinstance(address, str) and CLICK_ID.search(address) for address in addresses)


def _told(event: Event, name: str) -> int | float | None:
    if event.type not in {"page", "screen"} and not (event.type == "track" and event.name == PAGE_ENGAGED):
        return None
    value = event.properties.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return value
