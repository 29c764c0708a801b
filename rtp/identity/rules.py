"""Who is merged with whom: deterministic rules, apart from where the graph is kept. Pure.

- A customer is named after its strongest identifier; of two that turn out to be one, the stronger name survives.
- One user id per customer. Two customers with user ids are two people, whatever else they share.
- An anonymous id seen with a second user id is a shared device: the newest login owns what comes from it, and what
  came before stays with whom it belonged to. Any other shared identifier stays with its first owner.
"""

from collections.abc import Mapping, Sequence

import msgspec

from rtp.identity.identifiers import STRENGTH
from rtp.identity.types import Identifier, IdentifierType

USER = STRENGTH[IdentifierType.USER_ID]


class Owner(msgspec.Struct, frozen=True, order=True):
    """A customer by the strength of its name; the smaller survives."""

    rank: int
    customer_id: str


class LinkPlan(msgspec.Struct, frozen=True):
    """What makes the identifiers of one event one customer."""

    survivor: Owner
    merged: tuple[Owner, ...] = ()
    """Customers that go into the survivor."""
    attached: tuple[Identifier, ...] = ()
    """Identifiers that are the survivor's afterwards."""
    moved: tuple[Identifier, ...] = ()
    """Anonymous ids that change owner, from now on only."""


def plan_link(identifiers: Sequence[Identifier], owners: Mapping[Identifier, Owner]) -> LinkPlan:
    """What to do about identifiers, strongest first, that were seen together.

    `owners` holds whoever owns them now, and for the strongest one always somebody: the customer of its own name if
    nobody else does.
    """
    anchor = _anchor(identifiers, owners)
    merged, attached, moved = set(), [], []
    for identifier in identifiers:
        owner = owners.get(identifier, anchor)
        if owner.rank != USER or anchor.rank != USER or owner == anchor:
            merged.add(owner)
            attached.append(identifier)
        elif identifier.type is IdentifierType.ANONYMOUS_ID:
            moved.append(identifier)
    survivor = min({anchor, *merged})
    return LinkPlan(survivor, tuple(sorted({anchor, *merged} - {survivor})), tuple(attached), tuple(moved))


def _anchor(identifiers: Sequence[Identifier], owners: Mapping[Identifier, Owner]) -> Owner:
    """The customer meant: whoever owns the strongest identifier, or the first found that has a user id."""
    known = [owners[each] for each in identifiers if each in owners]
    return next((owner for owner in known if owner.rank == USER), known[0])
