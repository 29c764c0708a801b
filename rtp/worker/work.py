"""What is being done about the entries of one fragment."""

from itertools import starmap

import msgspec

from rtp.identity.graph import Linked
from rtp.identity.identifiers import partitioning
from rtp.identity.types import Identifier, IdentifierType
from rtp.profile.folding import Folded
from rtp.profile.fragment import Fragment
from rtp.signals.event import LogEntry
from rtp.signals.log import Outcome, Verdict
from rtp.signals.rejection import Rejection
from rtp.signals.segment import segment_body


class Work(msgspec.Struct):
    """Entries of one fragment on their way through."""

    fragment_id: str
    linked: Linked
    anonymous: bool
    """All there is to know the shopper by is an anonymous id."""
    entries: list[LogEntry]
    before: Fragment = Fragment()
    folded: Folded = Folded(Fragment(), (), False)
    customer_id: str = ""


def is_anonymous(identifiers: tuple[Identifier, ...]) -> bool:
    """Whether an anonymous id is what these identifiers are partitioned by."""
    identifier = partitioning(identifiers)
    return identifier is not None and identifier.type is IdentifierType.ANONYMOUS_ID


def stored(work: Work) -> Fragment:
    """The fragment as it lies in the store now, unless somebody has written it since."""
    return msgspec.structs.replace(work.folded.fragment, version=work.before.version + work.folded.changed)


def verdicts_of(work: Work) -> list[Verdict]:
    """What became of each entry."""

    def verdict(entry: LogEntry, outcome: Outcome) -> Verdict:
        return Verdict(entry, outcome, work.customer_id, work.fragment_id)

    return list(starmap(verdict, zip(work.entries, work.folded.outcomes, strict=True)))


def rejection_of(entry: LogEntry) -> Rejection:
    """An entry that could not be folded, as it is kept."""
    return Rejection(
        reason="FOLD_FAILED",
        message="The event was accepted, but could not be folded into the profile.",
        body=segment_body(entry.event),
        source=entry.event.source,
        received_at=entry.event.received_at,
        gpc=entry.event.gpc,
        key=f"{entry.partition}/{entry.position}",
    )
