"""The feeds' customers become one customer each: the rules of rtp.identity.rules for a million rows at once. Pure.

Rows that share an identifier are one person, unless that would make two user ids one. The customer is named after its
strongest identifier, as on the live path, so that both speak of the same customer without talking.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rtp.identity.identifiers import STRENGTH
from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import DEFAULT_SPELLING, Spelling, normalize
from rtp.identity.regroup import Forbidden, regroup
from rtp.identity.types import Identifier, IdentifierType

CONTACTS = (IdentifierType.USER_ID, IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.LOYALTY_ID)

Ref = tuple[str, str]
"""(source, customer_ref)."""


class IdentityLinks(msgspec.Struct, frozen=True):
    """Who is who, as rows."""

    customers: list[tuple[str, str, str]]
    """(source, customer_ref, customer id), one row for each reference of each source."""
    identifiers: list[tuple[str, str, str, str]]
    """(identifier type, value, customer id, first source that names it), one row an identifier."""
    apart: tuple[tuple[str, str], ...] = ()
    """Customers that a human took apart: nothing may make them one."""


class _Graph:
    """Identifiers by number, and which of them stand in one row."""

    def __init__(self) -> None:
        self.numbers: dict[Identifier, int] = {}
        self.sources: list[str] = []
        self.edges: list[tuple[int, int]] = []

    def add(self, source: str, identifier: Identifier) -> int:
        number = self.numbers.setdefault(identifier, len(self.numbers))
        if number == len(self.sources):
            self.sources.append(source)
        elif source < self.sources[number]:
            self.sources[number] = source
        return number


def resolve(
    customers: Mapping[str, Sequence[str | None]],
    refs: Iterable[Ref],
    keys: KeyedHash,
    *,
    spelling: Spelling = DEFAULT_SPELLING,
    apart: Sequence[tuple[str, str]] = (),
) -> IdentityLinks:
    """Links of all customers.

    `customers` holds the columns source, customer_ref, user_id, email, phone and loyalty_id of the feed, in any order
    of rows; `refs` are those that occur in other feeds, whether or not a customer row has them; `apart`
    are pairs of customer ids: what the two are named after is never one customer's.
    """
    graph = _read(customers, refs, spelling)
    named = list(graph.numbers)
    group = _components(graph)
    forbidden = Forbidden(named, _numbered(named, apart, keys))
    for members in forbidden.crowded(group):
        regroup(members, named, group, graph.edges, forbidden)
    return _links(named, group, graph.sources, keys, forbidden)


def _numbered(named: Sequence[Identifier], apart: Sequence[tuple[str, str]], keys: KeyedHash) -> list[tuple[int, int]]:
    """The identifiers that pairs of customers are named after, by number; pairs that nothing here is named after fall
    out."""
    wanted = {name for pair in apart for name in pair}
    number = {keys.customer_id(each): number for number, each in enumerate(named)} if wanted else {}
    return [(number[one], number[other]) for one, other in apart if one in number and other in number]


def _read(customers: Mapping[str, Sequence[str | None]], refs: Iterable[Ref], spelling: Spelling) -> _Graph:
    graph = _Graph()
    for source, ref in zip(customers["source"], customers["customer_ref"], strict=True):
        graph.add(source or "", customer_ref(source or "", ref or ""))
    for source, ref in refs:
        graph.add(source, customer_ref(source, ref))
    for kind in CONTACTS:
        values = zip(customers["source"], customers["customer_ref"], customers[kind], strict=True)
        for source, ref, value in values:
            found = normalize(kind, value, spelling=spelling) if value else None
            if found is not None:
                row = graph.numbers[customer_ref(source or "", ref or "")]
                graph.edges.append((row, graph.add(source or "", found)))
    return graph


def customer_ref(source: str, ref: str) -> Identifier:
    """The identifier that a source's own name for a customer is."""
    return Identifier(IdentifierType.CUSTOMER_REF, f"{source}:{ref}")


def _components(graph: _Graph) -> list[int]:
    """The group of each identifier, by who stands in one row with whom."""
    size = len(graph.numbers)
    edges = np.array(graph.edges or [(0, 0)], dtype=np.int64)
    if not size:
        return []
    matrix = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(size, size))
    labels: list[int] = connected_components(matrix, directed=False)[1].tolist()
    return labels


def _links(
    named: Sequence[Identifier], group: Sequence[int], sources: Sequence[str], keys: KeyedHash, forbidden: Forbidden
) -> IdentityLinks:
    best: dict[int, tuple[int, str]] = {}
    for identifier, label in zip(named, group, strict=True):
        rank = STRENGTH[identifier.type]
        if label not in best or rank <= best[label][0]:
            name = (rank, keys.customer_id(identifier))
            best[label] = min(best.get(label, name), name)
    customers, identifiers = [], []
    for identifier, label, source in zip(named, group, sources, strict=True):
        customer = best[label][1]
        identifiers.append((str(identifier.type), identifier.value, customer, source))
        if identifier.type is IdentifierType.CUSTOMER_REF:
            of, _, ref = identifier.value.partition(":")
            customers.append((of, ref, customer))
    apart = {(best[group[one]][1], best[group[other]][1]) for one, other in forbidden.apart}
    return IdentityLinks(sorted(customers), sorted(identifiers), tuple(sorted(apart)))


def united(links: IdentityLinks, pairs: Iterable[tuple[str, str]]) -> IdentityLinks:
    """The links with pairs of customers made one, under the name that would survive on the live path.

    Gives the same links where there are no pairs.
    """
    names = _survivors(links, list(pairs))
    if not names:
        return links
    return IdentityLinks(
        [(source, ref, names.get(customer, customer)) for source, ref, customer in links.customers],
        [(kind, value, names.get(customer, customer), source) for kind, value, customer, source in links.identifiers],
        links.apart,
    )


def _survivors(links: IdentityLinks, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    parent = {each: each for pair in pairs for each in pair}

    def root(of: str) -> str:
        while parent[of] != of:
            of = parent[of]
        return of

    ranks: dict[str, int] = {}
    for kind, _, customer, _ in links.identifiers:
        if customer in parent:
            ranks[customer] = min(ranks.get(customer, len(STRENGTH)), STRENGTH[IdentifierType(kind)])
    for left, right in pairs:
        survivor, other = sorted((root(left), root(right)), key=lambda each: (ranks[each], each))
        parent[other] = survivor
    return {each: root(each) for each in parent if root(each) != each}
