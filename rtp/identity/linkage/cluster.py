"""Which linked parties become one customer. Pure.

The strongest links first, as long as nothing speaks against the union: no customer may end up with more strong
identifiers than allowed or with more records than one person plausibly has, no two that a human took apart may meet
again, and where the records of two groups were compared with each other they must agree on average, not only the one
pair that links them. What is not united for one of these reasons is held back, with the reason.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

import msgspec
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rtp.identity.linkage.splinking import Ints, Scores
from rtp.identity.types import Identifier, IdentifierType

MOST_RECORDS = 20
"""More records than this are hardly one person's."""


Node = TypeVar("Node", bound=Hashable)


class Reason(StrEnum):
    """Why a link is held back."""

    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    OTHERS_DISAGREE = "others_disagree"
    KEPT_APART = "kept_apart"


class Party(msgspec.Struct, frozen=True):
    """Records that are known to be one person before anything is compared."""

    records: int = 1
    identifiers: tuple[Identifier, ...] = ()


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What decides beside the scores."""

    known: Sequence[tuple[int, int]] = ()
    """Parties that were linked in earlier runs: they stay linked unless something else of this speaks against it."""
    apart: Sequence[tuple[int, int]] = ()
    """Parties that a human took apart."""
    most_records: int = MOST_RECORDS
    most_identifiers: Mapping[IdentifierType, int] = msgspec.field(default_factory=dict)
    """Different ones of a kind that a customer may have."""


NO_RULES = Rules()


class Held(msgspec.Struct, frozen=True):
    """A link that was not made."""

    left: int
    right: int
    """Parties."""
    weight: float
    reason: Reason
    detail: str


class Clusters(msgspec.Struct, frozen=True):
    """Parties that are one customer."""

    labels: Ints
    """For each party the smallest one of its cluster."""
    held: list[Held]


def components(size: int, left: Ints, right: Ints) -> Ints:
    """The connected component of each node."""
    matrix = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    found: Ints = connected_components(matrix, directed=False)[1].astype(np.int64)
    return found


def unite(
    parties: Mapping[int, Party],
    size: int,
    scores: Scores,
    threshold: float,
    rules: Rules = NO_RULES,
) -> Clusters:
    """Clusters of `size` parties from the scores between them (several between two parties add up).

    `parties` describes those that have more than one record or any identifier.
    """
    union = _Union(parties, scores, threshold, rules)
    for left, right in rules.known:
        union.join(left, right, np.inf)
    order = np.lexsort((scores.right, scores.left, -scores.weight))
    for each in order[: int((scores.weight >= threshold).sum())]:
        union.join(int(scores.left[each]), int(scores.right[each]), float(scores.weight[each]))
    labels = union.labels(size)
    return Clusters(labels, _still_apart(union.held, labels))


def _still_apart(held: Sequence[Held], labels: Ints) -> list[Held]:
    """The strongest link held back between each two customers; what other links united after all is not held back."""
    found: dict[tuple[int, int], Held] = {}
    for each in held:
        customers = tuple(sorted((int(labels[each.left]), int(labels[each.right]))))
        if customers[0] != customers[1]:
            found.setdefault((customers[0], customers[1]), each)
    return list(found.values())


class _Union:
    """Groups of parties that grow, with what must be known about each to decide whether two may become one."""

    def __init__(
        self,
        parties: Mapping[int, Party],
        scores: Scores,
        threshold: float,
        rules: Rules,
    ) -> None:
        self._parent: dict[int, int] = {}
        self._parties = dict(parties)
        self._threshold = threshold
        self._rules = rules
        self._between: dict[int, dict[int, tuple[float, int]]] = defaultdict(dict)
        self._foes: dict[int, set[int]] = defaultdict(set)
        self.held: list[Held] = []
        for left, right, weight in zip(
            scores.left.tolist(), scores.right.tolist(), scores.weight.tolist(), strict=True
        ):
            total, count = self._between[left].get(right, (0.0, 0))
            self._between[left][right] = self._between[right][left] = (total + weight, count + 1)
        for left, right in rules.apart:
            self._foes[left].add(right)
            self._foes[right].add(left)

    def join(self, left: int, right: int, weight: float) -> None:
        """Unites the groups of two parties, or notes why not."""
        one, other = sorted((self._root(left), self._root(right)))
        if one == other:
            return
        against = self._against(one, other, coherent=weight == np.inf)
        if against:
            self.held.append(Held(left, right, weight, *against))
            return
        self._merge(one, other)

    def labels(self, size: int) -> Ints:
        """The smallest party of each party's group."""
        found = np.arange(size, dtype=np.int64)
        for each in self._parent:
            found[each] = self._root(each)
        return found

    def _root(self, of: int) -> int:
        while (parent := self._parent.get(of, of)) != of:
            self._parent[of] = self._parent.get(parent, parent)
            of = parent
        return of

    def _against(self, one: int, other: int, *, coherent: bool) -> tuple[Reason, str] | None:
        if any(self._root(foe) == other for foe in self._foes.get(one, ())):
            return Reason.KEPT_APART, "A human took them apart."
        both = self._together(one, other)
        if both.records > (most := self._rules.most_records):
            return Reason.TOO_LARGE, f"They would be {both.records} records; {most} are the most."
        kinds = Counter(each.type for each in both.identifiers)
        for kind, most in self._rules.most_identifiers.items():
            if kinds[kind] > most:
                return Reason.CONFLICT, f"They would have {kinds[kind]} of {kind}; {most} is the most."
        total, count = self._between.get(one, {}).get(other, (np.inf, 1))
        if not coherent and total / count < self._threshold:
            return (
                Reason.OTHERS_DISAGREE,
                f"The {count} pairs compared between the two groups weigh {total / count:.1f} on average.",
            )
        return None

    def _together(self, one: int, other: int) -> Party:
        left, right = (self._parties.get(each, Party()) for each in (one, other))
        return Party(left.records + right.records, tuple({*left.identifiers, *right.identifiers}))

    def _merge(self, one: int, other: int) -> None:
        self._parties[one] = self._together(one, other)
        self._parent[other] = one
        self._foes[one] |= self._foes.pop(other, set())
        for third, (total, count) in self._between.pop(other, {}).items():
            self._between[third].pop(other, None)
            if third == one:
                continue
            have, pairs = self._between[one].get(third, (0.0, 0))
            self._between[one][third] = self._between[third][one] = (have + total, pairs + count)


def spanning(pairs: Sequence[tuple[Node, Node]]) -> list[int]:
    """The positions of those pairs that, taken in order, each unite two groups."""
    parent: dict[Node, Node] = {}

    def root(of: Node) -> Node:
        while parent.get(of, of) != of:
            of = parent[of]
        return of

    chosen = []
    for position, (left, right) in enumerate(pairs):
        one, other = root(left), root(right)
        if one != other:
            parent[other] = one
            chosen.append(position)
    return chosen
