"""An event written again as the call it came by: what :func:`rtp.signals.parse.parse_event` reads. Pure."""

from typing import Any

import msgspec

from rtp.clock import from_micros
from rtp.signals.event import Event


def segment_body(event: Event) -> bytes:
    """The event in Segment's JSON, its clock corrected already: read as received then, it is the same event."""
    document: dict[str, Any] = {
        "type": event.type,
        "event" if event.type == "track" else "name": event.name,
        "messageId": event.message_id,
        "timestamp": from_micros(event.occurred_at),
        "userId": event.user_id,
        "anonymousId": event.anonymous_id,
        "previousId": event.previous_id,
        "groupId": event.group_id,
        "properties": event.properties,
        "traits": event.traits,
        "context": event.context,
    }
    return msgspec.json.encode({name: value for name, value in document.items() if value})
