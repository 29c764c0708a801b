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
_CONTACTS = (
    (IdentifierType.EMAIL, ("email",)),
    (IdentifierType.PHONE, ("phone",)),
    (IdentifierType.LOYALTY_ID, ("loyaltyId", "loyalty_id")),
)


def identifiers_of(event: Event, *, spelling: Spelling = DEFAULT_SPELLING) -> tuple[Identifier, ...]:
    """The distinct identifiers of an event, strongest first.

    Of `properties` only the hashed card token is read: the e-mail of "Friend Invited" is somebody else's. An alias's
    `previousId` is the anonymous id that the user had before.
    """
    found = {found for kind, value in _candidates(event) if (found := normalize(kind, value, spelling=spelling))}
    return strongest_first(found)


def strongest_first(identifiers: Sequence[Identifier] | set[Identifier]) -> tuple[Identifier, ...]:
    """Identifiers by strength, then value."""
    return tuple(sorted(identifiers, key=lambda each: (STRENGTH[each.type], each.value)))


def partitioning(identifiers: Sequence[Identifier]) -> Identifier | None:
    """What an event is partitioned by: user id, else anonymous id, e-mail, phone, loyalty id, card, device."""
    by_type = {each.type: each for each in reversed(identifiers)}
    return next((by_type[kind] for kind in _PARTITIONING if kind in by_type), None)


def _candidates(event: Event) -> Iterator[tuple[IdentifierType, Any]]:
    yield IdentifierType.USER_ID, event.user_id
    yield IdentifierType.ANONYMOUS_ID, event.anonymous_id
    yield IdentifierType.ANONYMOUS_ID, event.previous_id
    device = event.context.get("device")
    yield IdentifierType.DEVICE, device.get("id") if isinstance(device, dict) else None
    for fields in (event.properties, event.context):
        for name in CARD_FIELDS:
            yield IdentifierType.CARD, fields.get(name)
    nested = event.context.get("traits")
    for place in (event.traits, nested, event.context):
        if isinstance(place, dict):
            for kind, names in _CONTACTS:
                for name in names:
                    yield kind, place.get(name)
