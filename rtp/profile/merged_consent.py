"""Consent of customers that turned out to be one: the stricter of what each had said until then. Pure.

A no of either outweighs a yes of the other, whichever was said first, until the one customer says something new: the
last word after the merge counts as ever. Who has said nothing about a purpose adds nothing to it: a shopper who has
consented does not lose that by logging in on a device that was never asked.
"""

from collections.abc import Sequence

import msgspec

from rtp.profile.consent import Consent, Grant, Grants, Purpose, combine_grants


class Side(msgspec.Struct, frozen=True):
    """A customer before a merge: their own words, and the customers merged into them before."""

    words: Grants
    joined: tuple[tuple[int, "Side"], ...] = ()
    """(when, who), in any order."""


def consent_of(side: Side) -> dict[str, Grant]:
    """The last words of a customer, those who were merged into them included."""
    grants: Grants = side.words
    for at, other in sorted(side.joined, key=lambda each: each[0]):
        grants = _stricter(grants, consent_of(other), at)
    return dict(grants)


def _stricter(left: Grants, right: Grants, at: int) -> dict[str, Grant]:
    before = [{key: grant for key, grant in side.items() if grant.at <= at} for side in (left, right)]
    after = [{key: grant for key, grant in side.items() if grant.at > at} for side in (left, right)]
    merged: dict[str, Grant] = {}
    for purpose in Purpose:
        merged |= _of_purpose(purpose, [_about(purpose, side) for side in before], at)
    return combine_grants([merged, *after])


def _about(purpose: Purpose, grants: Grants) -> dict[str, Grant]:
    return {key: grant for key, grant in grants.items() if key.startswith(f"{purpose}/")}


def _of_purpose(purpose: Purpose, sides: Sequence[Grants], at: int) -> dict[str, Grant]:
    combined = combine_grants(sides)
    if not all(sides):
        return combined
    for key in combined:
        said = [_applying(purpose, key, side) for side in sides]
        if len({grant.status for grant in said if grant is not None}) > 1:
            no = next(grant for grant in said if grant is not None and grant.status == "denied")
            combined[key] = Grant("denied", at, no.source)
    return combined


def _applying(purpose: Purpose, key: str, side: Grants) -> Grant | None:
    """What a side says about a channel; None for nothing."""
    found = side.get(key) or side.get(f"{purpose}/all")
    channel = key.partition("/")[2]
    if found is not None and not Consent(side).allows(purpose, channel):
        general = side.get(f"{purpose}/all")
        return found if found.status == "denied" else general
    return found
