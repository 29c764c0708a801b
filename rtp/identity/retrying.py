"""A rejected event, mended or its cause gone, read once more by the collector's own rules. Pure."""

from typing import Any, cast

import msgspec

from rtp.clock import from_micros
from rtp.identity.intake import Accepted, accept
from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import Spelling
from rtp.signals.event import EVENT_TYPES, EventType
from rtp.signals.parse import Arrival, arrival_of_items, derived_id, parse_batch
from rtp.signals.rejection import Rejection


class Mended(msgspec.Struct, frozen=True):
    """A rejected event, and the body to read in place of its own."""

    rejection: Rejection
    body: bytes


def read_again(mended: Mended, keys: KeyedHash, *, now: int, spelling: Spelling) -> list[Accepted] | Rejection:
    """The events of a mended body, or why it is still none; of a batch one bad item stops all.

    Read as if it had come so in the first place: when it was received then corrects its clock, and where it has no
    message id it gets that of its first body, so that it is the same event however often and however mended. Only the
    log's time of receipt is `now`.
    """
    arrival = _arrival(mended.rejection)
    items = [_named(mended, arrival)]
    if mended.rejection.call == "batch":
        batch = parse_batch(mended.body, arrival)
        if isinstance(batch, Rejection):
            return batch
        arrival, items = arrival_of_items(arrival, batch), [bytes(item) for item in batch.batch]
    accepted = []
    for item in items:
        read = accept(item, arrival, keys, spelling=spelling)
        if isinstance(read, Rejection):
            return read
        accepted.append(Accepted(read.partition_key, msgspec.structs.replace(read.event, received_at=now)))
    return accepted


def _arrival(rejection: Rejection) -> Arrival:
    return Arrival(
        received_at=rejection.received_at,
        source=rejection.source,
        gpc=rejection.gpc,
        type=cast("EventType", rejection.call) if rejection.call in EVENT_TYPES else None,
        sent_at=from_micros(rejection.sent_at) if rejection.sent_at is not None else None,
        context=rejection.context,
    )


def _named(mended: Mended, arrival: Arrival) -> bytes:
    """The body with a message id, where it is an object."""
    document = _object(mended.body)
    if not document or str(document.get("messageId") or "").strip():
        return mended.body
    first = _object(mended.rejection.body)
    timed = bool(first.get("timestamp") or first.get("originalTimestamp"))
    return msgspec.json.encode(document | {"messageId": derived_id(mended.rejection.body, arrival, timed=timed)})


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
