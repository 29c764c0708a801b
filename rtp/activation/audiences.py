"""Audiences: who is in now, who came and went since the last time it was sent, and what a destination is told."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from rtp.profile.consent import Purpose

Hashed = Mapping[str, str]
"""Identifier type to its SHA-256, as ad platforms and CRMs match on: {"email": "5f…"}."""
Channel = Literal["email", "push", "sms", "ads"]
Matchable = Literal["email", "phone"]


class Audience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config/audiences/<id>.yaml`; who belongs to it is said by `<id>.sql` over the published marts."""

    name: str
    description: str
    owner: str
    destination: str
    """A destination of `config/destinations.yaml`."""
    purpose: Purpose = Purpose.MARKETING
    channel: Channel = "email"
    """Only customers who said yes to this purpose on this channel are ever sent."""
    identifiers: tuple[Matchable, ...] = ("email",)
    """What the destination matches on; a customer with none of them cannot be sent."""
    batch_size: int = 500


class Change(msgspec.Struct, frozen=True):
    """One customer who came into the audience or left it."""

    kind: Literal["added", "removed"]
    customer_id: str
    identifiers: Hashed


class Batch(msgspec.Struct, frozen=True):
    """Changes sent in one message; the id follows from the content, so that a repeated message is known as one."""

    message_id: str
    changes: tuple[Change, ...]


def hashed(identifier_type: str, value: str) -> str:
    """SHA-256 of the identifier as ad platforms normalize it; what is a SHA-256 already is not hashed again.

    E-mail addresses are trimmed and lower-cased; phones are expected as E.164.
    Source: Google Customer Match and Meta Custom Audiences, "Format customer data".
    """
    text = value.strip().lower() if identifier_type == "email" else value.strip()
    if len(text) == 64 and all(character in "0123456789abcdef" for character in text):
        return text
    return hashlib.sha256(text.encode()).hexdigest()


def delta(before: Mapping[str, Hashed], now: Mapping[str, Hashed]) -> list[Change]:
    """The changes that turn `before` into `now`, removals first, each in the order of customer ids.

    Somebody whose identifiers changed is removed with the old and added with the new ones.
    """
    gone = [Change("removed", key, before[key]) for key in sorted(before) if now.get(key) != before[key]]
    come = [Change("added", key, now[key]) for key in sorted(now) if before.get(key) != now[key]]
    return gone + come


def applied(before: Mapping[str, Hashed], changes: Iterable[Change]) -> dict[str, Hashed]:
    """The members after `changes` were taken in."""
    members = dict(before)
    for change in changes:
        if change.kind == "added":
            members[change.customer_id] = change.identifiers
        elif members.get(change.customer_id) == change.identifiers:
            del members[change.customer_id]
    return members


def batches(audience_id: str, snapshot: str, changes: Sequence[Change], size: int) -> Iterator[Batch]:
    """The changes in messages of at most `size`."""
    for start in range(0, len(changes), size):
        part = tuple(changes[start : start + size])
        content = msgspec.json.encode([audience_id, snapshot, part], order="deterministic")
        yield Batch("aud_" + hashlib.sha256(content).hexdigest()[:32], part)


def message(audience_id: str, audience: Audience, snapshot: str, batch: Batch, members: int) -> dict[str, Any]:
    """The body of one message; `members` is the size of the audience once all changes are in."""
    return {
        "type": "audience.changed",
        "data": {
            "audienceId": audience_id,
            "name": audience.name,
            "snapshot": snapshot,
            "purpose": audience.purpose,
            "channel": audience.channel,
            "members": members,
            "added": [_person(change) for change in batch.changes if change.kind == "added"],
            "removed": [_person(change) for change in batch.changes if change.kind == "removed"],
        },
    }


def _person(change: Change) -> dict[str, Any]:
    return {"customerId": change.customer_id, "identifiers": {f"{k}_sha256": v for k, v in change.identifiers.items()}}
