"""A fragment rebuilt from the archive, brought up to what the live one has folded meanwhile. Pure."""

from collections.abc import Sequence

import msgspec

from rtp.profile.folding import Incoming, fold_entries
from rtp.profile.fragment import Fragment, FragmentState, Position
from rtp.profile.replay import Archived


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
