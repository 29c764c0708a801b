"""A fragment rebuilt from the archive, brought up to what the live one has folded meanwhile. Pure."""

from collections.abc import Collection, Sequence

import msgspec

from rtp.profile.folding import Incoming, fold_entries
from rtp.profile.fragment import Fragment, FragmentState, Position
from rtp.profile.replay import Archived
from rtp.signals.event import position_order


def since_expiry(rows: Sequence[Archived], expiring: Collection[str], ttl_ms: int) -> list[Archived]:
    """Rows of a partition key in log order, without what its `expiring` fragments have forgotten.

    A fragment without a write for longer than `ttl_ms` is dropped: who comes back after that begins anew.
    """
    last: dict[str, int] = {}
    begins: dict[str, int] = {}
    for row in rows:
        if row.fragment in expiring and row.verdict != "rejected":
            moment = position_order(row.entry.position)[0]
            if moment - last.get(row.fragment, moment) > ttl_ms:
                begins[row.fragment] = moment
            last[row.fragment] = moment
    return [row for row in rows if position_order(row.entry.position)[0] >= begins.get(row.fragment, 0)]


def missing(rebuilt: FragmentState, live: FragmentState) -> list[Position]:
    """The entries that the live fragment has folded and the rebuilt one has not."""
    known = {each.position for each in rebuilt.seen}
    return [each.position for each in live.seen if each.position not in known and each.position > rebuilt.floor]


def caught_up(rebuilt: FragmentState, rows: Sequence[Archived]) -> FragmentState:
    """The rebuilt state with these entries folded in; what they caused has been carried out, and is dropped."""
    incoming = [Incoming(row.entry, verdict=row.verdict) for row in rows]
    return fold_entries(Fragment(state=rebuilt), incoming).fragment.state


def same_history(rebuilt: FragmentState, live: FragmentState) -> bool:
    """True if both have folded the very same entries: only what became of them may differ."""
    return _history(rebuilt) == _history(live)


def _history(state: FragmentState) -> FragmentState:
    return msgspec.structs.replace(state, live={}, consent={})
