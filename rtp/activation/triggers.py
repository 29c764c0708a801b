"""Triggers: what is decided and sent at once when something happens. Declared in config/triggers.yaml; pure."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from rtp.decisioning.decision import Channel
from rtp.errors import Fatal
from rtp.features.values import FeatureValue
from rtp.profile.effects import Effect, TriggerRule
from rtp.signals.event import Event
from rtp.signals.vocabulary import BY_NAME
from rtp.yaml_config import did_you_mean, mistake, read_config

Scalar = str | int | float | bool
Seconds = Annotated[int, msgspec.Meta(ge=0, le=7_776_000)]
Name = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test of one property, context field or live feature; what is missing never matches."""

    property: str | None = None
    context: str | None = None
    feature: str | None = None
    equals: Scalar | None = None
    any_of: tuple[Scalar, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None
    exists: Literal[True] | None = None

    def fault(self) -> str:
        """What is wrong with the condition as a whole, "" if nothing."""
        if sum(each is not None for each in (self.property, self.context, self.feature)) != 1:
            return "A condition looks at exactly one of property, context, feature."
        tests = (self.equals, self.any_of, self.at_least, self.at_most, self.exists)
        return (
            ""
            if any(each is not None for each in tests)
            else ("A condition tests something: equals, any_of, at_least, at_most or exists.")
        )

    def holds(self, event: Event, features: Mapping[str, FeatureValue]) -> bool:
        """Whether the event, with the shopper's live features, passes all tests of this condition."""
        value = self._value(event, features)
        if value is None or (self.equals is not None and value != self.equals):
            return False
        if self.any_of is not None and value not in self.any_of:
            return False
        if self.at_least is None and self.at_most is None:
            return True
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def _value(self, event: Event, features: Mapping[str, FeatureValue]) -> Any:
        if self.feature is not None:
            return features.get(self.feature)
        value: Any = event.properties if self.property is not None else event.context
        for step in (self.property or self.context or "").split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return value


class Trigger(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of config/triggers.yaml."""

    id: Name
    event: str
    channel: Channel
    destination: str
    when: tuple[Condition, ...] = ()
    placement: str = "default"
    limit: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    purpose: Literal["personalization", "marketing", "ads", "sale", "analytics"] = "marketing"
    cooldown_seconds: Seconds = 0
    ttl_seconds: Annotated[int, msgspec.Meta(ge=1, le=604_800)] = 900
    max_age_seconds: Seconds = 600

    def fires(self, event: Event, features: Mapping[str, FeatureValue]) -> bool:
        """Whether this event, with the shopper's features after it, sets the trigger off."""
        return (
            event.type == "track"
            and event.name == self.event
            and event.received_at - event.occurred_at <= self.max_age_seconds * 1_000_000
            and all(condition.holds(event, features) for condition in self.when)
        )


class TriggerFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of config/triggers.yaml."""

    triggers: tuple[Trigger, ...] = ()


Triggers = Mapping[str, Sequence[Trigger]]
"""Event name to the triggers that listen for it."""


def load_triggers(path: Path, destinations: Mapping[str, object], *, features: Sequence[str] = ()) -> list[Trigger]:
    """The declared triggers; raises Fatal with file, line and suggestion.

    `destinations` are the declared ones, active or not; `features`, where given, the live features that exist.
    """
    triggers = read_config(path, TriggerFile).triggers
    seen: set[str] = set()
    for index, trigger in enumerate(triggers):
        _check(path, index, trigger, destinations, features)
        if trigger.id in seen:
            raise mistake(path, ["triggers", index, "id"], f"The id {trigger.id!r} is there twice.", hint="Rename one.")
        seen.add(trigger.id)
    return list(triggers)


def by_event(triggers: Sequence[Trigger], active_destinations: Mapping[str, object]) -> Triggers:
    """The triggers whose destination has an address, by the event that they listen for."""
    listening: dict[str, list[Trigger]] = {}
    for trigger in triggers:
        if trigger.destination in active_destinations:
            listening.setdefault(trigger.event, []).append(trigger)
    return listening


def effects_for(event: Event, features: Mapping[str, FeatureValue], triggers: Triggers) -> list[Effect]:
    """The activations that an event causes; their ids are derived from it, so that folding again changes nothing.

    `features` are the shopper's live features after the event, by plain name; None or absent means unknown.
    """
    return [
        Effect(
            effect_id=f"{event.message_id}:activate:{trigger.id}",
            kind="activate",
            payload={
                "trigger_id": trigger.id,
                "caused_at": event.received_at,
                "store_id": event.store_id,
                "product_id": _product(event),
            },
        )
        for trigger in triggers.get(event.name, ())
        if trigger.fires(event, features)
    ]


def trigger_rule(triggers: Triggers) -> TriggerRule:
    """The triggers as the fold wants them."""
    return TriggerRule(frozenset(triggers), partial(effects_for, triggers=triggers))


def activation_id(effect_id: str) -> str:
    """The stable id of an activation, as the receiver sees it; shows nothing of the event it is derived from."""
    return "act_" + hashlib.blake2b(effect_id.encode(), digest_size=16).hexdigest()


def _check(
    path: Path, index: int, trigger: Trigger, destinations: Mapping[str, object], features: Sequence[str]
) -> None:
    def fault(steps: list[str | int], what: str, hint: str = "") -> Fatal:
        return mistake(path, ["triggers", index, *steps], what, hint=hint)

    if trigger.destination not in destinations:
        raise fault(
            ["destination"],
            f"There is no destination {trigger.destination!r}.",
            did_you_mean(trigger.destination, destinations),
        )
    hint = did_you_mean(trigger.event, BY_NAME)
    if trigger.event not in BY_NAME and hint.startswith("Did") and _nearly(trigger.event, hint):
        raise fault(["event"], f"{trigger.event!r} is nearly the name of a standard event.", hint)
    for place, condition in enumerate(trigger.when):
        if condition.fault():
            raise fault(["when", place], condition.fault())
        if features and condition.feature is not None and condition.feature not in features:
            what = f"There is no live feature {condition.feature!r}."
            raise fault(["when", place, "feature"], what, did_you_mean(condition.feature, features))


def _nearly(word: str, hint: str) -> bool:
    """An event of one's own may have any name, except one that only misspells a standard one."""
    meant = hint.split("'")[1]
    squeezed, same = (text.lower().replace(" ", "").replace("_", "") for text in (word, meant))
    if squeezed == same:
        return True
    return abs(len(squeezed) - len(same)) <= 1 and sum(a != b for a, b in zip(squeezed, same, strict=False)) <= 2


def _product(event: Event) -> str | None:
    # Segment says product_id, its JavaScript users often productId.
    value = event.properties.get("product_id") or event.properties.get("productId")
    return str(value) if value else None
