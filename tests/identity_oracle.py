"""Who is who, kept in the simplest way: customers are trees, merging hangs one below another, undoing takes it off."""

from collections.abc import Iterator, Sequence
from typing import Any

from rtp.identity.config import IdentityRules
from rtp.identity.identifiers import STRENGTH
from rtp.identity.keys import KeyedHash
from rtp.identity.rules import SHARED_RANK, Owner, plan_link
from rtp.identity.types import Identifier
from rtp.profile.consent import Grants, combine_grants
from rtp.profile.merged_consent import Side, consent_of


class Node:
    """A customer as it was made; those merged into it hang below."""

    def __init__(self, name: str, rank: int) -> None:
        self.name, self.rank = name, rank
        self.held: dict[Identifier, tuple[int, Identifier | None]] = {}
        """When it was first seen, and with which other one."""
        self.fragments: set[str] = set()
        self.refused: set[Identifier] = set()
        self.apart: set[str] = set()
        self.parent: Node | None = None
        self.merged_at = 0
        self.children: list[Node] = []

    def tree(self) -> "Iterator[Node]":
        yield self
        for child in self.children:
            yield from child.tree()

    @property
    def root(self) -> "Node":
        return self.parent.root if self.parent else self

    def identifiers(self) -> dict[Identifier, tuple[int, Identifier | None]]:
        return {each: why for node in self.tree() for each, why in node.held.items()}

    def all_fragments(self) -> set[str]:
        return set[str]().union(*(node.fragments for node in self.tree()))


class Oracle:
    """The identity graph and what was folded, in memory."""

    def __init__(self, keys: KeyedHash, rules: IdentityRules) -> None:
        self.keys, self.rules = keys, rules
        self.nodes: dict[str, Node] = {}
        self.shared: dict[Identifier, Node] = {}
        self.views: dict[str, set[str]] = {}
        self.words: dict[str, Grants] = {}
        self.erased: set[Identifier] = set()

    def holder(self, identifier: Identifier) -> Node | None:
        found = [node for node in self.nodes.values() if identifier in node.held and node.rank != SHARED_RANK]
        assert len(found) <= 1, "an identifier is one customer's"
        return found[0] if found else None

    def resolve(self, identifier: Identifier) -> str | None:
        node = self.shared.get(identifier) or self.holder(identifier)
        return node.root.name if node else None

    def link(self, identifiers: Sequence[Identifier], partitioned_by: Identifier, at: int) -> str:
        """Links, and gives the fragment that an event goes into now."""
        people = [each for each in identifiers if each not in self.shared]
        survivor, first = (None, None)
        if people:
            owners = {each: self._owner(node.root) for each in people if (node := self.holder(each))}
            owners.setdefault(people[0], self._owner(self._named(people[0]).root))
            plan = plan_link(people, owners, self.rules, at=at)
            for each in plan.shared:
                self.shared[each] = device = self._make(self.keys.shared_id(each), SHARED_RANK)
                device.held[each] = (at, None)
            survivor, first = self._make(plan.survivor.customer_id, plan.survivor.rank), plan.attached[0]
            losers = [self.nodes[each.customer_id] for each in plan.merged if each.held]
            coming = {each for loser in losers for each in loser.identifiers()}
            known = survivor.identifiers()
            for each in plan.attached:
                if each not in coming and each not in known:
                    survivor.held[each] = (at, plan.via)
            for loser in losers:
                loser.parent, loser.merged_at = survivor, at
                survivor.children.append(loser)
        return self._settle(partitioned_by, survivor, first, at)

    def _settle(self, identifier: Identifier, survivor: Node | None, first: Identifier | None, at: int) -> str:
        key = self.keys.partition_key(identifier)
        if identifier in self.shared:
            device = self.shared[identifier]
            fragment = f"{key}.{self.keys.partition_key(first)}" if first else f"{key}.1"
            owner = survivor if survivor and first else device
        else:
            fragment, node = key, self.holder(identifier)
            if node is None:
                node = self._named(identifier)
                node.root.held[identifier] = (at, None)
            owner = node.root
        if fragment not in owner.all_fragments():
            owner.fragments.add(fragment)
        return fragment

    def _named(self, identifier: Identifier) -> Node:
        return self._make(self.keys.customer_id(identifier), STRENGTH[identifier.type])

    def _make(self, name: str, rank: int) -> Node:
        return self.nodes.setdefault(name, Node(name, rank))

    def _owner(self, root: Node) -> Owner:
        tree = list(root.tree())
        return Owner(
            root.rank,
            root.name,
            {each: at for each, (at, _) in root.identifiers().items()},
            frozenset(node.name for node in tree) - {root.name},
            frozenset().union(*(node.apart for node in tree)),
            frozenset().union(*(node.refused for node in tree)),
        )

    def undo(self, loser: Node) -> None:
        """Takes a customer off the one it hangs below, with what was attached to its identifiers since."""
        survivor = loser.parent
        assert survivor is not None
        root = survivor.root
        theirs = set(loser.identifiers())
        others = [node for node in root.tree() if node not in set(loser.tree())]
        moving = True
        while moving:
            moving = False
            for node in others:
                for each, (at, via) in list(node.held.items()):
                    if via in theirs and each not in theirs:
                        loser.held[each] = (at, via)
                        del node.held[each]
                        theirs.add(each)
                        moving = True
        keys = {self.keys.partition_key(each) for each in theirs}
        for node in others:
            for fragment in list(node.fragments):
                partition_key, _, suffix = fragment.partition(".")
                if (suffix if suffix.startswith("p") else partition_key) in keys:
                    node.fragments.discard(fragment)
                    loser.fragments.add(fragment)
        above: Node | None = survivor
        while above is not None:
            above.refused |= theirs
            above = above.parent
        survivor.children.remove(loser)
        loser.parent = None
        loser.apart.add(survivor.name)
        survivor.apart.add(loser.name)

    def erase(self, root: Node) -> set[Identifier]:
        """Forgets a person with all they were merged from; gives what only they were known by."""
        theirs = set(root.identifiers()) - set(self.shared)
        for fragment in root.all_fragments():
            self.views.pop(fragment, None)
            self.words.pop(fragment, None)
        gone = {node.name for node in root.tree()} | set(map(self.keys.customer_id, theirs))
        self.nodes = {name: node for name, node in self.nodes.items() if name not in gone}
        for node in self.nodes.values():
            node.apart -= gone
            node.refused -= theirs
        self.erased |= theirs
        return theirs

    def consent(self, root: Node) -> Grants:
        return consent_of(self._side(root))

    def _side(self, node: Node) -> Side:
        words = combine_grants(self.words.get(each, {}) for each in node.fragments)
        return Side(words, tuple((child.merged_at, self._side(child)) for child in node.children))

    def row(self, root: Node) -> Any:
        """Product views, None where nothing was ever folded."""
        folded = [each for each in root.all_fragments() if each in self.views]
        return sum(len(self.views[each]) for each in folded) if folded else None
