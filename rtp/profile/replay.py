"""Fragments out of the archive: the events folded once more, in the order of the log, give the same bytes.

The archive says of each event what the worker made of it. That verdict is believed and not found anew, so a replay also
gives what two workers at once came to, and a part of the log can be replayed without what lies before it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from rtp.identity.fragments import fragment_at
from rtp.profile.folding import Incoming, fold_entries
from rtp.profile.fragment import Fragment, FragmentState, Position
from rtp.signals.event import LogEntry, position_order
from rtp.signals.log import Outcome

AT_ONCE = 500
"""Entries of one fragment that are folded together: what is kept in memory, not what comes out."""


class Archived(msgspec.Struct, frozen=True):
    """A row of the archive `events`: an entry of the log, and what the worker made of it."""

    entry: LogEntry
    verdict: Outcome
    fragment: str = ""
    """The fragment that it was folded into; "" where the archive does not tell, of rows of old."""


def replay(
    rows: Iterable[Archived],
    *,
    epochs: Mapping[str, Sequence[str]] | None = None,
    until: Mapping[str, Position] | None = None,
) -> dict[str, FragmentState]:
    """The archived rows of one partition, in log order -> fragment id to its state. Pure.

    `rows` come oldest position first, a row may recur; rtp.stores.archived_events reads them so. Where rows do not
    tell their fragment, `epochs` do: the positions at which the fragments of a partition key were closed (see
    rtp.identity.fragments); a key that is not named has never been closed. `until` is the watermark that each fragment
    is replayed to, itself included: fragments that it does not name are left out; without it all are replayed to the
    end. With the same epochs and the fragment's own watermark, `encode_state` gives the bytes that the worker has
    stored, if `rows` begin where the fragment does.
    """
    states: dict[str, Fragment] = {}
    waiting: dict[str, list[Incoming]] = defaultdict(list)
    for row in rows:
        entry = row.entry
        closed = (epochs or {}).get(entry.partition_key, ())
        fragment = row.fragment or fragment_at(entry.partition_key, closed, entry.position)
        if until is not None and not _reached(entry, until.get(fragment)):
            continue
        waiting[fragment].append(Incoming(entry, verdict=row.verdict))
        if len(waiting[fragment]) >= AT_ONCE:
            states[fragment] = _folded(states.get(fragment), waiting.pop(fragment))
    for fragment, incoming in waiting.items():
        states[fragment] = _folded(states.get(fragment), incoming)
    return {fragment: each.state for fragment, each in states.items()}


def _reached(entry: LogEntry, watermark: Position | None) -> bool:
    return watermark is not None and position_order(entry.position) <= watermark


def _folded(before: Fragment | None, incoming: Sequence[Incoming]) -> Fragment:
    """Without the effects: those have been carried out."""
    return msgspec.structs.replace(fold_entries(before or Fragment(), incoming).fragment, pending=())
