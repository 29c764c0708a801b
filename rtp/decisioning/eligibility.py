"""Which of a moment's ranking may be offered here and now, and why the others may not."""

from collections.abc import Set as AbstractSet

import msgspec

from rtp.decisioning.decision import RejectReason
from rtp.decisioning.moment import Ranked
from rtp.decisioning.policy import ChannelRule, Policy

DAY_MICROS = 86_400_000_000


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What eligibility looks at besides the policy."""

    age_days: float
    """Days since the ranking was made."""
    cart: AbstractSet[str] = frozenset()
    bought: AbstractSet[str] = frozenset()
    """Bought since the catalogue was built."""


def refusal(ranked: Ranked, policy: Policy, rule: ChannelRule, situation: Situation) -> RejectReason | None:
    """Why a product is not offered, stock apart; None if it may be."""
    if ranked.product_id in rule.exclude_products:
        return "NOT_IN_CHANNEL"
    if ranked.product_id in situation.cart and not policy.offer_what_is_in_cart:
        return "IN_CART"
    if policy.recently_bought_days and (
        ranked.product_id in situation.bought
        or (ranked.days_since is not None and ranked.days_since + situation.age_days < policy.recently_bought_days)
    ):
        return "RECENTLY_BOUGHT"
    if ranked.margin_rate is not None and ranked.margin_rate < policy.margin_floor_rate:
        return "MARGIN_FLOOR"
    return None
