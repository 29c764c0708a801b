"""The records of one run of the linkage by number, and what came of it by name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import numpy as np

from rtp.identity.batch import IdentityLinks
from rtp.identity.linkage.cluster import Held, Party, Reason, Rules
from rtp.identity.linkage.link import Linkage
from rtp.identity.linkage.model import LinkageModel
from rtp.identity.linkage.splinking import Ints, probability
from rtp.identity.types import Identifier, IdentifierType
from rtp.stores.linkage_lake import ProbableLink, Record, ReviewLink


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How many identifiers of a kind, and how many records, a customer may have."""

    identifiers: Mapping[IdentifierType, int]
    records: int


class Run:
    """Records from 0, the customers they belong to before anything is compared, and which records are new."""

    def __init__(
        self, records: Sequence[Record], customers: Sequence[str], fresh: Sequence[bool], links: IdentityLinks
    ) -> None:
        self.records = list(records)
        self.names, party = np.unique(np.array(customers, dtype=object), return_inverse=True)
        self.party: Ints = party.astype(np.int64)
        self._fresh = fresh
        self._links = links
        self._number = {record: number for number, record in enumerate(self.records)}

    def standing(self, links: Sequence[ProbableLink]) -> list[ProbableLink]:
        """Links of earlier runs between records that say what they said then."""
        numbers = ((self._number.get(end) for end in link.ends) for link in links)
        return [
            link
            for link, ends in zip(links, numbers, strict=True)
            if all(number is not None and not self._fresh[number] for number in ends)
        ]

    def rules(self, limits: Limits, standing: Sequence[ProbableLink]) -> Rules:
        """What decides beside the scores, by party."""
        return Rules(
            known=[self._parties(link) for link in sorted(standing, key=lambda each: -each.match_weight)],
            apart=self._apart(),
            most_records=limits.records,
            most_identifiers=limits.identifiers,
        )

    def describe(self, parties: Ints) -> dict[int, Party]:
        """How many records these parties have, in all feeds, and which identifiers."""
        wanted = {str(self.names[party]): int(party) for party in parties}
        records: dict[int, int] = defaultdict(int)
        identifiers: dict[int, list[Identifier]] = defaultdict(list)
        for kind, value, customer, _ in self._links.identifiers:
            party = wanted.get(customer)
            if party is None:
                continue
            if kind == IdentifierType.CUSTOMER_REF:
                records[party] += 1
            else:
                identifiers[party].append(Identifier(IdentifierType(kind), value))
        return {party: Party(max(1, records[party]), tuple(identifiers[party])) for party in wanted.values()}

    def links(
        self, linkage: Linkage, standing: Sequence[ProbableLink], model: LinkageModel, now: datetime
    ) -> list[ProbableLink]:
        """Links in effect: those that still stand, and the new ones."""
        labels = linkage.clusters.labels
        kept = [link for link in standing if len({int(labels[party]) for party in self._parties(link)}) == 1]
        links = linkage.links
        chances = probability(links.weight).tolist()
        pairs = zip(links.left.tolist(), links.right.tolist(), links.weight.tolist(), chances, strict=True)
        made = [
            ProbableLink(*self._ends(left, right), weight, chance, model.version, now)
            for left, right, weight, chance in pairs
        ]
        ends = {link.ends for link in kept}
        return kept + [link for link in made if link.ends not in ends]

    def reviews(
        self, linkage: Linkage, before: Sequence[ReviewLink], model: LinkageModel, now: datetime
    ) -> list[ReviewLink]:
        """Links held back: those of earlier runs that still are, and the new ones."""
        labels, first = (
            linkage.clusters.labels,
            dict(zip(self.party[::-1], range(len(self.party) - 1, -1, -1), strict=True)),
        )
        kept = [each for each in before if self._still_apart(each, labels)]
        ends = {each.ends for each in kept}
        made = [
            ReviewLink(
                *self._ends(first[each.left], first[each.right]),
                str(each.reason), each.detail, each.weight, model.version, now,
            )
            for each in linkage.clusters.held
            if _asks(each)
        ]  # fmt: skip
        return kept + [each for each in made if each.ends not in ends]

    def pairs(self, linkage: Linkage) -> list[tuple[str, str]]:
        """Customers that are one, each with the first of its cluster."""
        labels = linkage.clusters.labels
        changed = np.flatnonzero(labels != np.arange(len(labels)))
        return [(str(self.names[labels[each]]), str(self.names[each])) for each in changed]

    def _ends(self, left: int, right: int) -> tuple[str, str, str, str]:
        return (*self.records[left], *self.records[right])

    def _parties(self, link: ProbableLink) -> tuple[int, int]:
        left, right = (int(self.party[self._number[end]]) for end in link.ends)
        return left, right

    def _apart(self) -> list[tuple[int, int]]:
        party = {name: number for number, name in enumerate(self.names)} if self._links.apart else {}
        return [(party[one], party[other]) for one, other in self._links.apart if one in party and other in party]

    def _still_apart(self, review: ReviewLink, labels: Ints) -> bool:
        numbers = [self._number.get(end) for end in review.ends]
        known = [number for number in numbers if number is not None and not self._fresh[number]]
        return len(known) == 2 and len({int(labels[self.party[number]]) for number in known}) == 2


def _asks(held: Held) -> bool:
    """What a human has decided already is not asked again."""
    return held.reason is not Reason.KEPT_APART
