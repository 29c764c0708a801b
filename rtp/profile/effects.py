"""What an event causes outside its own fragment: computed with the fold, stored with it, carried out after."""

from typing import Any, Literal, Protocol

import msgspec

EffectKind = Literal["project", "stock", "activate"]


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
