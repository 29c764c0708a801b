"""The way in for events: read, validated, and given the key they are partitioned by."""

from typing import Any

import msgspec

from rtp.identity.cards import with_hashed_card
from rtp.identity.identifiers import identifiers_of, partitioning
from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import DEFAULT_SPELLING, Spelling
from rtp.signals.event import Event
from rtp.signals.parse import Arrival, parse_event, rejection_of
from rtp.signals.rejection import Rejection


class Accepted(msgspec.Struct, frozen=True):
    """An event that may be appended to the log."""

    partition_key: str
    event: Event


def accept(
    raw: bytes | msgspec.Raw | dict[str, Any],
    arrival: Arrival,
    keys: KeyedHash,
    *,
    spelling: Spelling = DEFAULT_SPELLING,
) -> Accepted | Rejection:
    """An event with its partition key, or why it is rejected; never raises.

    Beyond :func:`rtp.signals.parse.parse_event`, an event whose identifiers all stand for nobody ("null", "0") is
    rejected as NO_IDENTITY. What is accepted holds card tokens as keyed hashes only.
    """
    event = parse_event(raw, arrival)
    if isinstance(event, Rejection):
        return event
    event = with_hashed_card(event, keys, spelling)
    identifier = partitioning(identifiers_of(event, spelling=spelling))
    if identifier is None:
        body = msgspec.json.encode(raw) if isinstance(raw, dict) else bytes(raw)
        message = "The identifiers of the event stand for nobody (for example `null` or `0`)."
        return rejection_of(arrival, body, reason="NO_IDENTITY", message=message)
    return Accepted(keys.partition_key(identifier), event)
