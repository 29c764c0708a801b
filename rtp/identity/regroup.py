"""Groups of identifiers that a rule forbids, grouped anew: as much together as the rules allow. Pure."""

from collections import defaultdict
from collections.abc import Sequence

from rtp.identity.identifiers import STRENGTH
from rtp.identity.types import Identifier, IdentifierType

Edge = tuple[int, int]


class Forbidden:
    """What may not be in one group: two user ids, and what a human took apart."""

    def __init__(self, named: Sequence[Identifier], apart: Sequence[tuple[int, int]] = ()) -> None:
        self._named = named
        self.apart = apart
        """Identifiers by number, two by two."""

    def crowded(self, group: Sequence[int]) -> list[list[int]]:
        """The members of each group that breaks a rule."""
        users: dict[int, int] = defaultdict(int)
        for number, identifier in enumerate(self._named):
            if identifier.type is IdentifierType.USER_ID:
                users[group[number]] += 1
        labels = {label for label, count in users.items() if count > 1}
        labels |= {group[one] for one, other in self.apart if group[one] == group[other]}
        members: dict[int, list[int]] = {label: [] for label in sorted(labels)}
        for number, label in enumerate(group):
            if label in members:
                members[label].append(number)
        return list(members.values())


def regroup(
    members: Sequence[int], named: Sequence[Identifier], group: list[int], edges: Sequence[Edge], forbidden: Forbidden
) -> None:
    """Groups the members of one group anew, in place: the strongest identifiers first, then by value.

    An identifier that two users share, or two that a human took apart, goes to the first of them and joins nobody.
    """
    regrouping = _Regrouping(members, named, forbidden)
    neighbours: dict[int, list[int]] = defaultdict(list)
    for row, other in edges:
        if other in regrouping:
            neighbours[other].append(row)
    for number in sorted(neighbours, key=lambda each: (STRENGTH[named[each].type], named[each].value)):
        regrouping.meet(number, neighbours[number])
    labels: dict[int, int] = {}
    fresh = max(group) + 1
    for each in members:
        group[each] = labels.setdefault(regrouping.root(each), fresh + len(labels))


class _Regrouping:
    def __init__(self, members: Sequence[int], named: Sequence[Identifier], forbidden: Forbidden) -> None:
        self._named = named
        self._parent = {each: each for each in members}
        self._user = {each: named[each].value for each in members if named[each].type is IdentifierType.USER_ID}
        self._foes: dict[int, set[int]] = defaultdict(set)
        for one, other in forbidden.apart:
            if one in self._parent and other in self._parent:
                self._foes[one].add(other)
                self._foes[other].add(one)

    def __contains__(self, number: int) -> bool:
        return number in self._parent

    def root(self, of: int) -> int:
        """What stands for the group of a member."""
        while self._parent[of] != of:
            of = self._parent[of]
        return of

    def meet(self, number: int, rows: Sequence[int]) -> None:
        """Unites an identifier with the rows that it stands in, where that is allowed."""
        named = self._named
        roots = sorted({self.root(each) for each in rows} | {self.root(number)}, key=lambda each: named[each])
        users = sorted({self._user[each] for each in roots if each in self._user})
        target = next((each for each in roots if self._user.get(each) == (users[0] if users else None)), roots[0])
        if len(users) <= 1 and not self._enemies(roots):
            joined = roots
        else:
            # The identifier goes to the first of them, unless it is a user id itself or speaks against that.
            own = self.root(number)
            alone = named[number].type is not IdentifierType.USER_ID and not self._enemies([own, target])
            joined = [own] if alone and self._parent[number] == number else []
        for each in joined:
            self._parent[each] = target
            if each != target:
                self._foes[target] |= self._foes.pop(each, set())
        if users and joined:
            self._user[target] = users[0]

    def _enemies(self, roots: Sequence[int]) -> bool:
        present = set(roots)
        return any(self.root(foe) in present for each in roots for foe in self._foes.get(each, ()))
