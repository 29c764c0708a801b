"""The words of a decision, as the HTTP contract spells them."""

from typing import Any, Literal

import msgspec

Channel = Literal["web", "app", "email", "push", "sms", "ads", "store"]
ActionKind = Literal["product", "offer", "content", "service"]
RejectReason = Literal[
    "OUT_OF_STOCK", "STOCK_STALE", "NO_CONSENT", "FREQUENCY_CAP", "MARGIN_FLOOR", "RECENTLY_BOUGHT",
    "NOT_IN_CHANNEL", "NOT_ELIGIBLE", "LOWER_RANK", "IN_CART", "UNKNOWN_STORE",
]  # fmt: skip


class CustomerRef(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Who is asked for; any one field is enough."""

    user_id: str | None = None
    email: str | None = None
    phone: str | None = None
    loyalty_id: str | None = None
    anonymous_id: str | None = None
    customer_id: str | None = None


class DecideContext(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where and when; `at` is ISO 8601 and defaults to now."""

    store_id: str | None = None
    product_id: str | None = None
    region: str | None = None
    at: str | None = None


class DecideRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The body of `POST /v1/decide`."""

    customer: CustomerRef
    channel: Channel
    placement: str = "default"
    context: DecideContext = DecideContext()
    limit: int = 3
    explain: bool = False


class Fulfilment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the shopper can get it, checked at source."""

    method: Literal["ship", "pickup", "in_store"]
    store_id: str
    available: int
    as_of: str


class Action(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One next best action."""

    action_id: str
    kind: ActionKind
    position: int
    score: float
    expected_value: float
    propensity: float
    product_id: str | None = None
    offer_id: str | None = None
    fulfilment: Fulfilment | None = None
    reasons: list[str] = []


class RejectedAction(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A candidate that was not chosen, and why."""

    action_id: str
    reason: RejectReason


class Assignment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Which variation of an experiment the customer is in."""

    experiment_id: str
    variation_id: str


class Decision(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer of `POST /v1/decide`."""

    decision_id: str
    moment_id: str
    customer_id: str | None
    channel: Channel
    placement: str
    fallback: bool
    experiments: list[Assignment] = []
    actions: list[Action] = []
    rejected: list[RejectedAction] = []


class DecisionRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A decision with all that is needed to explain it later; archived like events."""

    decision: Decision
    decided_at: int
    """Microseconds since 1970 UTC."""
    store_id: str | None
    region: str | None
    context_product_id: str | None
    features: dict[str, Any]
    """The customer vector as served."""
    candidates: int
    policy_version: str
    model_version: str
    catalog_version: str
    rejected: list[RejectedAction]
    reason_for_fallback: str | None = None
    contextual: bool = False
    """Without what is known of the customer: nobody known, or no consent to personalization in this channel."""
    trigger_id: str | None = None
    """The trigger that asked, where none of the channels did."""
