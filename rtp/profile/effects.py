"""What an event causes outside its own fragment: computed with the fold, stored with it, carried out after."""

from collections.abc import Callable
from typing import Any, Literal, Protocol

import msgspec

from rtp.features.values import FeatureRow
from rtp.signals.event import Event

EffectKind = Literal["stock", "activate"]


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do; doing it twice changes nothing, because `effect_id` is derived from what caused it."""

    effect_id: str
    """"<message id>:<kind>[:<detail>]"."""
    kind: EffectKind
    payload: dict[str, Any] = {}


class EffectHandler(Protocol):
    """Carries out effects of one kind. Raises Retryable to be called again with the same effects."""

    async def __call__(self, customer_id: str, effects: list[Effect]) -> None:
        """Carries out effects, in order, of one customer."""
        ...


class TriggerRule(msgspec.Struct, frozen=True):
    """Which effects of kind "activate" an event causes."""

    events: frozenset[str] = frozenset()
    """Names of the `track` events that may cause any; no other is looked at."""
    effects: Callable[[Event, FeatureRow], list[Effect]] = lambda _event, _features: []
    """(event, the customer's live features after it) -> effects; pure."""
