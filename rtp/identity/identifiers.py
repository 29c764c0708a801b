"""Which identifiers an event carries."""

from collections.abc import Iterator, Sequence
from typing import Any

from rtp.identity.cards import CARD_FIELDS
from rtp.identity.normalize import DEFAULT_SPELLING, Spelling, normalize
from rtp.identity.types import Identifier, IdentifierType
from rtp.signals.event import Event

STRENGTH = {kind: rank for rank, kind in enumerate(IdentifierType)}
"""0 is the strongest."""

_PARTITIONING = (
    IdentifierType.USER_ID,
    IdentifierType.ANONYMOUS_ID,
    IdentifierType.EMAIL,
    IdentifierType.PHONE,
    IdentifierType.LOYALTY_ID,
    IdentifierType.CARD,
    IdentifierType.DEVICE,
)
_CONTACTS = {
    "email": IdentifierType.EMAIL,
    "phone": IdentifierType.PHONE,
    "loyaltyId": IdentifierType.LOYALTY_ID,
    "loyalty_id": IdentifierType.LOYALTY_ID,
}


def identifiers_of(event: Event, *, spelling: Spelling = DEFAULT_SPELLING) -> tuple[Identifier, ...]:
    """The distinct identifiers of an event, strongest first.

    Of `properties` only the hashed card token is read: the e-mail of "Friend Invited" is somebody else's. An alias's
    `previousId` is the anonymous id that the user had before.
    """
    found = [found for kind, value in _candidates(event) if (found := normalize(kind, value, spelling=spelling))]
    return strongest_first(set(found)) if len(found) > 1 else tuple(found)


def strongest_first(identifiers: Sequence[Identifier] | set[Identifier]) -> tuple[Identifier, ...]:
    """Identifiers by strength, then value."""
    return tuple(sorted(identifiers, key=lambda each: (STRENGTH[each.type], each.value)))


def partitioning(identifiers: Sequence[Identifier]) -> Identifier | None:
    """What an event is partitioned by: user id, else anonymous id, e-mail, phone, loyalty id, card, device."""
    by_type = {each.type: each for each in reversed(identifiers)}
    return next((by_type[kind] for kind in _PARTITIONING if kind in by_type), None)


def _candidates(event: Event) -> Iterator[tuple[IdentifierType, Any]]:
    """What may be an identifier; nothing of what is not there."""
    context, properties = event.context, event.properties
    yield IdentifierType.USER_ID, event.user_id
    yield IdentifierType.ANONYMOUS_ID, event.anonymous_id
    if event.previous_id is not None:
        yield IdentifierType.ANONYMOUS_ID, event.previous_id
    device = context.get("device")
    if isinstance(device, dict):
        yield IdentifierType.DEVICE, device.get("id")
    for fields in (properties, context):
        if not fields.keys().isdisjoint(CARD_FIELDS):
            yield from ((IdentifierType.CARD, fields.get(name)) for name in CARD_FIELDS)
    for place in (event.traits, context.get("traits"), context):
        if isinstance(place, dict) and not place.keys().isdisjoint(_CONTACTS):
            yield from ((_CONTACTS[name], place[name]) for name in _CONTACTS if name in place)
