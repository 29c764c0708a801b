"""Who is asked for, and what may be known of them for this decision."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from rtp.decisioning.decision import Channel, CustomerRef
from rtp.decisioning.policy import ChannelRule
from rtp.errors import Rejected
from rtp.features.live import AS_OF, LIVE_FEATURES, at_moment
from rtp.features.online import OnlineStore
from rtp.features.recent import listed
from rtp.features.values import FeatureRow, FeatureValue
from rtp.identity.graph import IdentityGraph
from rtp.identity.normalize import normalize
from rtp.identity.types import IdentifierType
from rtp.profile.consent import Consent, Purpose

ConsentOf = Callable[[str], Awaitable[Consent]]
"""The consent of a customer, read at its source."""

LIVE = "customer_live:"
PROFILE = "customer_profile:"
FAVOURITE_STORE = f"{PROFILE}favourite_store_id"
REFERENCES = (
    *(f"{LIVE}{feature.name}" for feature in LIVE_FEATURES),
    f"{LIVE}{AS_OF}",
    *(
        PROFILE + name
        for name in (
            "favourite_store_id", "recency_days", "orders_90d", "avg_basket_value", "avg_days_between_orders",
            "discount_share_365d", "top_category", "preferred_channel",
        )
    ),
)  # fmt: skip
"""What is read of a customer, and written into the record as served."""


class Shopper(msgspec.Struct, frozen=True, kw_only=True):
    """A shopper as far as this decision may know them."""

    customer_id: str | None
    personal: bool
    """Known, and consented to personalization in this channel."""
    reachable: bool
    """Everything the channel requires to send was consented to."""
    features: FeatureRow = {}
    """"view:feature" as served, decayed to now; empty unless `personal`."""

    def texts(self, name: str) -> list[str]:
        """A list of customer_live, out of all the features it was put into."""
        return listed(self.features, LIVE + name)

    @property
    def live(self) -> FeatureRow:
        """The row of customer_live."""
        return {name.removeprefix(LIVE): value for name, value in self.features.items() if name.startswith(LIVE)}

    def text(self, reference: str) -> str | None:
        """A text feature by "view:feature"."""
        value = self.features.get(reference)
        return value if isinstance(value, str) else None

    def bought_since(self, moment: int) -> list[str]:
        """Products ordered live, if the last order came after `moment` (µs)."""
        last = self.features.get(f"{LIVE}last_purchase_at")
        return self.texts("last_bought_products") if isinstance(last, int) and last >= moment else []

    @property
    def counter(self) -> int:
        """Meaningful events so far."""
        value = self.features.get(f"{LIVE}events_total")
        return value if isinstance(value, int) else 0


async def find(identity: IdentityGraph, ref: CustomerRef) -> str | None:
    """The customer's id; None if nobody is known by any of the identifiers. Raises Rejected if there is none."""
    if ref.customer_id:
        known = await identity.customer(ref.customer_id)
        if known is not None:
            return known.customer_id
    given = [(kind, value) for kind in IdentifierType if (value := getattr(ref, kind.value, None))]
    if not given and not ref.customer_id:
        raise Rejected(
            "The request names no customer.", reason="NO_IDENTIFIER", field="customer",
            hint="Give userId, email, phone, loyaltyId or anonymousId.",
        )  # fmt: skip
    for kind, value in given:
        identifier = normalize(kind, value)
        found = await identity.resolve(identifier) if identifier is not None else None
        if found is not None:
            return found
    return None


async def shopper(
    customer_id: str | None,
    channel: Channel,
    rule: ChannelRule,
    *,
    consent_of: ConsentOf,
    online: OnlineStore,
    now: int,
) -> Shopper:
    """Reads consent and, where it allows, features. Unknown consent is no."""
    if customer_id is None:
        return Shopper(customer_id=None, personal=False, reachable=not rule.requires)
    consent, rows = await asyncio.gather(
        consent_of(customer_id), online.read([{"customer_id": customer_id}], REFERENCES)
    )
    personal = consent.allows(Purpose.PERSONALIZATION, channel)
    return Shopper(
        customer_id=customer_id,
        personal=personal,
        reachable=all(consent.allows(purpose, channel) for purpose in rule.requires),
        features=as_of_now(rows[0], now) if personal else {},
    )


def as_of_now(row: FeatureRow, now: int) -> dict[str, FeatureValue]:
    """The row with its live values decayed to now."""
    live = {name.removeprefix(LIVE): value for name, value in row.items() if name.startswith(LIVE)}
    if live.get(AS_OF) is not None:
        live = at_moment(live, now)
    return {**row, **{LIVE + name: value for name, value in live.items()}}
