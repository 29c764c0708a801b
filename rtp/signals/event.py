"""The event as every later stage sees it: parsed, validated, its clock corrected."""

from typing import Any, Literal, get_args

import msgspec

from rtp.signals.vocabulary import BY_NAME

EventType = Literal["track", "identify", "page", "screen", "group", "alias"]
EVENT_TYPES: frozenset[str] = frozenset(get_args(EventType))


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a shopper did, or one thing learnt about a shopper.

    Times are microseconds since 1970 UTC. `occurred_at` is corrected for the sender's clock
    (Segment: timestamp + receivedAt - sentAt) and never later than `received_at`.
    """

    message_id: str
    type: EventType
    name: str
    """Segment's e-commerce name for `track` ("Product Viewed"), the page's name for `page` and `screen`, else ""."""
    occurred_at: int
    received_at: int
    user_id: str | None = None
    anonymous_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    source: str = "default"
    """Which write key, hence which sending system, it came by."""
    gpc: bool = False
    """The request carried `Sec-GPC: 1`."""

    @property
    def channel(self) -> str:
        """web, app, email, push, sms, ads or store; where the sender says nothing, what the event's name tells."""
        told = self.context.get("channel")
        if isinstance(told, str) and told.strip():
            return told.strip().lower()
        spec = BY_NAME.get(self.name) if self.type == "track" else None
        if spec is not None and spec.channel != "web":
            return spec.channel
        return "app" if self.type == "screen" or _on_a_phone(self.context) else "web"

    @property
    def store_id(self) -> str | None:
        """The store it happened in, where it happened in one."""
        return _id(self.context.get("storeId")) or _id(self.properties.get("storeId"))

    @property
    def decision_id(self) -> str | None:
        """The decision that this is an outcome of, where the sender says so."""
        return _id(self.properties.get("decisionId")) or _id(self.context.get("decisionId"))


def _id(value: Any) -> str | None:
    """An id as text; None for what is none: the empty text, 0, lists and objects."""
    return str(value) if value and isinstance(value, str | int) and not isinstance(value, bool) else None


def _on_a_phone(context: dict[str, Any]) -> bool:
    """Segment's libraries for apps name the device they run on."""
    device = context.get("device")
    return isinstance(device, dict) and str(device.get("type", "")).lower() in {"ios", "android"}


class LogEntry(msgspec.Struct, frozen=True):
    """An event at its place in the log; positions of one partition are ordered."""

    partition: int
    position: str
    """"<milliseconds>-<sequence>", as Redis Streams number entries."""
    partition_key: str
    event: Event


def position_order(position: str) -> tuple[int, int]:
    """The sort key of a log position; "" is before everything."""
    if not position:
        return (0, 0)
    milliseconds, _, sequence = position.partition("-")
    return (int(milliseconds), int(sequence or 0))
