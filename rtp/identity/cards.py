"""A card's token is turned into its keyed hash before anything is stored. Pure."""

from typing import Any

import msgspec

from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import Spelling, normalize, plain
from rtp.identity.types import IdentifierType
from rtp.signals.event import Event

CARD_FIELDS = ("cardToken", "card_token")
"""Of `properties` and `context`."""


def with_hashed_card(event: Event, keys: KeyedHash, spelling: Spelling) -> Event:
    """The event with hashes in place of card tokens; one that has been through this stays as it is."""
    changes = {
        name: hashed
        for name in ("properties", "context")
        if (hashed := _hashed(getattr(event, name), keys, spelling)) is not None
    }
    return msgspec.structs.replace(event, **changes) if changes else event


def _hashed(fields: dict[str, Any], keys: KeyedHash, spelling: Spelling) -> dict[str, Any] | None:
    found = {name: fields[name] for name in CARD_FIELDS if name in fields}
    return fields | {name: _hash(value, keys, spelling) for name, value in found.items()} if found else None


def _hash(value: object, keys: KeyedHash, spelling: Spelling) -> str | None:
    text = plain(value)
    if not text or spelling.blocks(text):
        return None
    known = normalize(IdentifierType.CARD, text, spelling=spelling)
    return known.value if known else keys.card(text)
