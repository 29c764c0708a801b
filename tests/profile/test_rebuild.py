"""A rebuilt fragment catches up with the live one, or is known not to."""

from hypothesis import given
from hypothesis import strategies as st

from rtp.profile.fragment import FragmentState, encode_state
from rtp.profile.rebuild import caught_up, missing, same_history
from rtp.profile.replay import replay
from rtp.signals.event import position_order
from tests.profile.test_folding import ENTRIES, Incoming
from tests.profile.test_replay import KEY, worked


@given(ENTRIES, st.data())
def test_what_the_archive_does_not_have_yet_is_caught_up(entries: list[Incoming], data: st.DataObject) -> None:
    """Whatever part of the log is archived, and also where it is too far behind to be caught up."""
    live, rows = worked([[each] for each in entries])
    archived = rows[: data.draw(st.integers(0, len(rows)))]
    rebuilt = replay(archived).get(KEY, FragmentState())
    owed = set(missing(rebuilt, live))
    rebuilt = caught_up(rebuilt, [row for row in rows if position_order(row.entry.position) in owed])
    assert not missing(rebuilt, live)
    assert same_history(rebuilt, live) == (encode_state(rebuilt) == encode_state(live))


@given(ENTRIES, st.data())
def test_a_lost_entry_is_noticed(entries: list[Incoming], data: st.DataObject) -> None:
    live, rows = worked([[each] for each in entries])
    applied = [row for row in rows if row.verdict == "applied"]
    lost = data.draw(st.sampled_from(applied))
    rebuilt = replay([row for row in rows if row is not lost]).get(KEY, FragmentState())
    assert not same_history(rebuilt, live)
