"""A rebuilt fragment catches up with the live one, or is known not to."""

from hypothesis import given
from hypothesis import strategies as st

from rtp.profile.fragment import FragmentState, encode_state
from rtp.profile.rebuild import caught_up, missing, same_history, since_expiry
from rtp.profile.replay import Archived, replay
from rtp.signals.event import LogEntry, position_order
from tests.making import event
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


def test_what_an_expired_fragment_forgot_is_left_out() -> None:
    times = [100, 150, 400, 420, 900]
    rows = [
        Archived(LogEntry(0, f"{at}-0", KEY, event(f"m{at}")), "rejected" if at == 420 else "applied", KEY)
        for at in times
    ]
    assert since_expiry(rows, {KEY}, 300) == rows[4:]
    assert since_expiry(rows, {KEY}, 490) == rows[4:], "a rejected entry is no write"
    assert since_expiry(rows, {KEY}, 500) == rows
    assert since_expiry(rows, set(), 1) == rows


@given(ENTRIES, st.data())
def test_a_lost_entry_is_noticed(entries: list[Incoming], data: st.DataObject) -> None:
    live, rows = worked([[each] for each in entries])
    applied = [row for row in rows if row.verdict == "applied"]
    lost = data.draw(st.sampled_from(applied))
    rebuilt = replay([row for row in rows if row is not lost]).get(KEY, FragmentState())
    assert not same_history(rebuilt, live)
