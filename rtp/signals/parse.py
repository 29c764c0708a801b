"""Segment's JSON becomes an Event, or a Rejection that says why not. Pure."""

import hashlib
import re
from datetime import datetime
from typing import Any

import msgspec

from rtp.signals.event import EVENT_TYPES, Event, EventType
from rtp.signals.rejection import Reason, Rejection
from rtp.signals.timing import BadTime, micros, occurred_at
from rtp.signals.vocabulary import BadProperty, check_properties

MAX_EVENT_BYTES = 32_768
"""Segment's limit for one event."""
MAX_NAME = 256
"""Longest message id, identifier or event name."""
MOST_CONTEXT_KEPT = 4_096
"""A batch's context that is larger is not kept with each bad item: a small batch would become gigabytes."""
MAX_DEPTH = 64
"""Deepest nesting of objects and lists: what is deeper would end in whoever reads it next, on a fuller stack."""
_TIME_FIELDS = {"timestamp", "originalTimestamp", "sentAt"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about an event from outside its own body."""

    received_at: int
    """Microseconds since 1970 UTC."""
    source: str = "default"
    gpc: bool = False
    type: EventType | None = None
    """The call it came by (`/v1/track`), which outranks the body's own `type`."""
    sent_at: datetime | None = None
    """A batch's `sentAt`, for items that carry none."""
    context: dict[str, Any] = {}
    """A batch's `context`, for what an item's own leaves out."""
    keeps_context: bool = True
    """Whether that is kept with each bad item."""


class Batch(msgspec.Struct, frozen=True, rename="camel"):
    """The body of `/v1/batch`; items stay unread, so that a bad one harms no other."""

    batch: list[msgspec.Raw]
    sent_at: datetime | None = None
    context: dict[str, Any] | None = None
    write_key: str | None = None


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    type: str | None = None
    event: str | None = None
    name: str | None = None
    message_id: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


class _Invalid(Exception):
    def __init__(self, reason: Reason, message: str, field: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_batch = msgspec.json.Decoder(Batch).decode


def parse_event(raw: bytes | msgspec.Raw | dict[str, Any], arrival: Arrival) -> Event | Rejection:
    """One Segment call as an Event, or why it is none; never raises.

    A missing `messageId` is derived from the body, so that sending the same body again counts once; a body that
    has no timestamp either is told apart by when it was received.
    """
    body = msgspec.json.encode(raw) if isinstance(raw, dict) else bytes(raw)
    try:
        return _event(_read(body), body, arrival)
    except _Invalid as why:
        return _rejection(why, body, arrival)


def parse_batch(body: bytes, arrival: Arrival) -> Batch | Rejection:
    """The items of a batch, still unread, or why the whole body is unusable."""
    try:
        return _decode_batch(body)
    except (msgspec.DecodeError, RecursionError) as error:
        return msgspec.structs.replace(_rejection(_explain(error), body, arrival), call="batch")


def arrival_of_items(arrival: Arrival, batch: Batch) -> Arrival:
    """What is known about the items of a batch from outside their own bodies."""
    context = batch.context or {}
    kept = len(msgspec.json.encode(context)) <= MOST_CONTEXT_KEPT
    return msgspec.structs.replace(arrival, sent_at=batch.sent_at, context=context, keeps_context=kept)


def rejection_of(arrival: Arrival, body: bytes, *, reason: Reason, message: str, field: str = "") -> Rejection:
    """A rejection that keeps, beside the body, all that its reading depends on."""
    return Rejection(
        reason=reason,
        message=message,
        field=field,
        body=body,
        source=arrival.source,
        received_at=arrival.received_at,
        call=arrival.type or "",
        sent_at=micros(arrival.sent_at) if arrival.sent_at else None,
        context=arrival.context if arrival.keeps_context else {},
        gpc=arrival.gpc,
    )


def _rejection(why: _Invalid, body: bytes, arrival: Arrival) -> Rejection:
    return rejection_of(arrival, body, reason=why.reason, message=why.message, field=why.field)


def _read(body: bytes) -> _Body:
    if len(body) > MAX_EVENT_BYTES:
        raise _Invalid("TOO_LARGE", f"An event may have {MAX_EVENT_BYTES} bytes; this one has {len(body)}.")
    try:
        return _decode_body(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _explain(error) from None


def _explain(error: msgspec.DecodeError | RecursionError) -> _Invalid:
    if isinstance(error, RecursionError):
        return _too_deep()
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return _Invalid("NOT_JSON", "The body is not valid JSON.")
    path = _PATH.search(text)
    if path is None:
        missing = re.search(r"missing required field `(\w+)`", text)
        if missing:
            return _Invalid("MISSING_FIELD", f"`{missing[1]}` is missing.", missing[1])
        return _Invalid("NOT_AN_OBJECT", "An event is a JSON object.")
    field = path[1]
    if field in _TIME_FIELDS:
        return _Invalid("BAD_TIMESTAMP", f"`{field}` is not an ISO 8601 date and time.", field)
    return _Invalid("BAD_FIELD", f"{text[: path.start()]}.", field)


def _event(body: _Body, raw: bytes, arrival: Arrival) -> Event:
    kind = _type(body, arrival)
    user_id, anonymous_id = _text(body.user_id, "userId"), _text(body.anonymous_id, "anonymousId")
    traits, context = body.traits or {}, {**arrival.context, **(body.context or {})}
    if not (user_id or anonymous_id or _has_contact(traits, context) or _has_thing(body.properties or {}, context)):
        raise _Invalid(
            "NO_IDENTITY",
            "An event needs a `userId`, an `anonymousId`, or an e-mail, phone, loyalty id, card or device.",
        )
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(body.properties or {}, traits, context) > MAX_DEPTH:
        raise _too_deep()
    name = _name(kind, body)
    _check(kind, name, body.properties or {})
    return Event(
        message_id=_message_id(body, raw, arrival),
        type=kind,
        name=name,
        occurred_at=_occurred_at(body, arrival),
        received_at=arrival.received_at,
        user_id=user_id,
        anonymous_id=anonymous_id,
        previous_id=_required(body.previous_id, "previousId") if kind == "alias" else None,
        group_id=_required(body.group_id, "groupId") if kind == "group" else None,
        properties=body.properties or {},
        traits=traits,
        context=context,
        source=arrival.source,
        gpc=arrival.gpc,
    )


def _check(kind: EventType, name: str, properties: dict[str, Any]) -> None:
    if kind != "track":
        return
    try:
        check_properties(name, properties)
    except BadProperty as why:
        raise _Invalid("MISSING_FIELD" if why.missing else "BAD_FIELD", why.message, f"properties.{why.name}") from None


def _too_deep() -> _Invalid:
    return _Invalid("BAD_FIELD", f"Objects and lists may be nested {MAX_DEPTH} deep.")


def _depth(*values: Any) -> int:
    """How deep objects and lists are nested, counted level by level: the stack is what must not run out."""
    depth, level = 0, list(values)
    while level:
        inside = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        level = [inner for inner in inside if isinstance(inner, dict | list)]
        depth += 1
    return depth


def _type(body: _Body, arrival: Arrival) -> EventType:
    kind = arrival.type or body.type
    if kind not in EVENT_TYPES:
        raise _Invalid("UNKNOWN_TYPE", f"`type` must be one of {', '.join(sorted(EVENT_TYPES))}.", "type")
    return kind  # type: ignore[return-value]


def _name(kind: EventType, body: _Body) -> str:
    if kind == "track":
        return _required(body.event, "event")
    return (_text(body.name, "name") or "") if kind in {"page", "screen"} else ""


def _required(value: str | int | None, field: str) -> str:
    text = _text(value, field)
    if text is None:
        raise _Invalid("MISSING_FIELD", f"`{field}` is missing.", field)
    return text


def _text(value: str | int | None, field: str) -> str | None:
    text = str(value).strip() if value is not None else ""
    if len(text) > MAX_NAME:
        raise _Invalid("BAD_FIELD", f"`{field}` is longer than {MAX_NAME} characters.", field)
    if _CONTROL.search(text):
        raise _Invalid("BAD_FIELD", f"`{field}` holds control characters.", field)
    return text or None


def _has_contact(traits: dict[str, Any], context: dict[str, Any]) -> bool:
    nested = context.get("traits")
    places = [traits, context, nested if isinstance(nested, dict) else {}]
    return any(place.get(name) for place in places for name in ("email", "phone", "loyaltyId", "loyalty_id"))


def _has_thing(properties: dict[str, Any], context: dict[str, Any]) -> bool:
    """A card that was paid with, or a device: nobody by name, and the same one each time."""
    device = context.get("device")
    cards = (place.get(name) for place in (properties, context) for name in ("cardToken", "card_token"))
    return any(cards) or bool(isinstance(device, dict) and device.get("id"))


def _message_id(body: _Body, raw: bytes, arrival: Arrival) -> str:
    given = _text(body.message_id, "messageId")
    if given:
        return given
    return derived_id(raw, arrival, timed=bool(body.timestamp or body.original_timestamp))


def derived_id(raw: bytes, arrival: Arrival, *, timed: bool) -> str:
    """The message id of a body that has none; one without a time of its own is told apart by when it was received."""
    moment = "" if timed else str(arrival.received_at)
    return "derived-" + hashlib.blake2b(raw + moment.encode(), digest_size=16).hexdigest()


def _occurred_at(body: _Body, arrival: Arrival) -> int:
    """`originalTimestamp` before `timestamp`: where both are given, the second has been corrected by somebody else."""
    try:
        return occurred_at(
            received_at=arrival.received_at,
            sent_at=body.sent_at or arrival.sent_at,
            said=body.original_timestamp or body.timestamp,
        )
    except BadTime as why:
        raise _Invalid("BAD_TIMESTAMP", str(why), "timestamp") from None
