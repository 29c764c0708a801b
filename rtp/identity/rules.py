"""Who is merged with whom: deterministic rules, apart from where the graph is kept. Pure.

- A customer is named after its strongest identifier; of two that turn out to be one, the stronger name survives.
- The identifiers of an event are believed in order of priority. One that would bring a customer over a limit, or
  together with somebody it was set apart from by undoing a merge, is left out: it stays with whoever has it.
- A device or anonymous id joins what nobody is known for to a person, and never two persons. Where it would, it is
  shared from then on, for good: what was done on it before stays with its first owner, what is done on it without
  saying who belongs to the device alone, and what is done on it by somebody who says who belongs to them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from rtp.identity.config import IdentityRules, Limit
from rtp.identity.identifiers import STRENGTH
from rtp.identity.types import DEVICES, Identifier, IdentifierType

SHARED_RANK = len(STRENGTH)
"""The strength of the name of a customer that stands for a shared device."""
MOST_OF_A_KIND = 50
"""However far apart they were first seen: a customer that collects more of a kind is a kiosk, or a mistake."""
_DAY = 86_400_000_000

Reason = Literal["apart", "limit"]


class Owner(msgspec.Struct, frozen=True):
    """A customer as far as the rules look at it."""

    rank: int
    """Strength of its name; the smaller survives."""
    customer_id: str
    held: Mapping[Identifier, int] = {}
    """Its identifiers, and when each was first seen as its own (microseconds)."""
    aliases: frozenset[str] = frozenset()
    """Customers merged into it."""
    apart: frozenset[str] = frozenset()
    """Customers it must not be merged with, nor with whoever they are merged into."""
    refused: frozenset[Identifier] = frozenset()
    """Identifiers that undoing a merge took away from it."""

    @property
    def name(self) -> tuple[int, str]:
        """What decides who survives."""
        return self.rank, self.customer_id


class LinkPlan(msgspec.Struct, frozen=True):
    """What makes the identifiers of one event one customer."""

    survivor: Owner
    merged: tuple[Owner, ...] = ()
    """Customers that go into the survivor."""
    attached: tuple[Identifier, ...] = ()
    """Identifiers that are the survivor's afterwards."""
    shared: tuple[Identifier, ...] = ()
    """Devices that are shared from now on."""
    left_out: tuple[tuple[Identifier, Reason], ...] = ()
    """Identifiers that stay as they are, and why."""
    via: Identifier | None = None
    """The strongest identifier that was somebody's before, or names the survivor: new ones are attached because they
    were seen with it."""


class _Group:
    """The customers that have turned out to be one so far."""

    def __init__(self, first: Owner, rules: IdentityRules, at: int) -> None:
        self._rules = rules
        self.at = at
        self.owners = [first]
        self.held = dict(first.held)

    def __contains__(self, owner: Owner) -> bool:
        return any(each.customer_id == owner.customer_id for each in self.owners)

    def apart_from(self, owner: Owner) -> bool:
        names = {each.customer_id for each in self.owners}.union(*(each.aliases for each in self.owners))
        apart = frozenset[str]().union(*(each.apart for each in self.owners))
        return bool(apart & {owner.customer_id, *owner.aliases}) or bool(owner.apart & names)

    def refuses(self, identifier: Identifier) -> bool:
        return any(identifier in each.refused for each in self.owners)

    def other_person(self, owner: Owner) -> bool:
        """True if a device does not suffice to make the two one: each has what only one of them can have."""
        mine, theirs = ({each for each in held if each.type not in DEVICES} for held in (self.held, owner.held))
        if mine & theirs:
            return False
        kinds = {each.type for each in mine} & {each.type for each in theirs}
        return bool(kinds & (self._rules.tell_apart | {IdentifierType.USER_ID}))

    def has_room_for(self, more: Mapping[Identifier, int]) -> bool:
        together = {**more, **self.held}
        kinds = {each.type for each in more if each not in self.held}
        return all(self._within(kind, together) for kind in kinds)

    def _within(self, kind: IdentifierType, together: Mapping[Identifier, int]) -> bool:
        limit = self._rules.limits[kind]
        times = [at for each, at in together.items() if each.type is kind]
        return most_at_once(times, limit) <= limit.limit and len(times) <= max(limit.limit, MOST_OF_A_KIND)

    def take(self, owner: Owner) -> None:
        self.owners.append(owner)
        self.held = {**owner.held, **self.held}

    def attach(self, identifier: Identifier) -> None:
        self.held.setdefault(identifier, self.at)


def most_at_once(times: Iterable[int], limit: Limit) -> int:
    """The most identifiers first seen within the limit's days; all of them where it has none."""
    ordered = sorted(times)
    if limit.within_days is None:
        return len(ordered)
    span, first, most = limit.within_days * _DAY, 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] > span:
            first += 1
        most = max(most, last - first + 1)
    return most


def plan_link(
    identifiers: Sequence[Identifier], owners: Mapping[Identifier, Owner], rules: IdentityRules, *, at: int
) -> LinkPlan:
    """What to do about identifiers, strongest first, that were seen together at a moment.

    `owners` holds whoever owns them now, and for the strongest one always somebody: the customer of its own name if
    nobody else does. Identifiers of shared devices are not among them, unless all are.
    """
    ordered = sorted(identifiers, key=lambda each: rules.priority[each.type])
    first = next(each for each in ordered if each in owners)
    group = _Group(owners[first], rules, at)
    attached: list[Identifier] = []
    shared: list[Identifier] = []
    left_out: list[tuple[Identifier, Reason]] = []
    for identifier in ordered:
        outcome = _take(group, identifier, owners.get(identifier))
        if outcome is None:
            group.attach(identifier)
            attached.append(identifier)
        elif outcome == "shared":
            shared.append(identifier)
        else:
            left_out.append((identifier, outcome))
    survivor = min(group.owners, key=lambda each: each.name)
    merged = sorted((each for each in group.owners if each is not survivor), key=lambda each: each.name)
    known = (each for each in attached if each in owners)
    via = next((each for each in known if owners[each] is survivor or each in owners[each].held), None)
    return LinkPlan(survivor, tuple(merged), tuple(attached), tuple(shared), tuple(left_out), via)


def _take(group: _Group, identifier: Identifier, owner: Owner | None) -> Reason | Literal["shared"] | None:
    """Why an identifier cannot be the group's; None if it is, with its owner."""
    if owner is not None and owner in group:
        return "apart" if identifier not in group.held and group.refuses(identifier) else None
    if group.refuses(identifier) if owner is None else group.apart_from(owner):
        return "apart"
    if owner is not None and identifier.type in DEVICES and group.other_person(owner):
        return "shared"
    if not group.has_room_for({identifier: group.at} if owner is None else owner.held):
        return "limit"
    if owner is not None:
        group.take(owner)
    return None
