"""P10: the archive, folded again, is what the worker stored, byte for byte."""

import random

from hypothesis import given
from hypothesis import strategies as st

from rtp.identity.fragments import fragment_at
from rtp.profile.folding import fold_entries
from rtp.profile.fragment import Fragment, FragmentState, encode_state
from rtp.profile.replay import Archived, replay
from rtp.signals.event import LogEntry, position_order
from tests.profile.test_folding import ENTRIES, Incoming, entry

KEY = entry(0, "m").entry.partition_key


def worked(batches: list[list[Incoming]]) -> tuple[FragmentState, list[Archived]]:
    """What the worker stores of batches, and what the archiver makes of its verdicts, in log order."""
    fragment, archived = Fragment(), []
    for batch in batches:
        folded = fold_entries(fragment, batch)
        archived += [
            Archived(each.entry, outcome) for each, outcome in zip(batch, folded.outcomes, strict=True)
        ]  # fmt: skip
        fragment = folded.fragment
    return fragment.state, sorted(archived, key=lambda row: position_order(row.entry.position))


@given(ENTRIES, st.randoms(use_true_random=False))
def test_a_replay_in_log_order_gives_the_bytes_of_any_order_of_work(
    entries: list[Incoming], rng: random.Random
) -> None:
    """Also where a partition changed hands and its entries were folded out of order."""
    state, archived = worked([[each] for each in rng.sample(entries, len(entries))])
    assert encode_state(replay(archived)[KEY]) == encode_state(state)


@given(ENTRIES, st.data())
def test_a_replay_stops_at_the_watermark(entries: list[Incoming], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(entries)))
    state, _ = worked([entries[:cut]])
    _, archived = worked([entries])
    assert encode_state(replay(archived, until={KEY: state.watermark})[KEY]) == encode_state(state)


def test_what_was_rejected_or_repeated_stays_so() -> None:
    rows = [Archived(entry(0, "m1").entry, "rejected"), Archived(entry(1, "m2").entry, "duplicate")]
    state = replay(rows)[KEY]
    assert (state.applied, len(state.seen)) == (0, 1)


def test_the_fragment_that_the_archive_tells_is_believed() -> None:
    row = Archived(entry(0, "m1").entry, "applied", f"{KEY}.p7")
    assert list(replay([row], epochs={KEY: ["9-9"]})) == [f"{KEY}.p7"]


def test_fragments_that_no_watermark_is_given_of_are_left_out() -> None:
    assert replay([Archived(entry(0, "m1").entry, "applied")], until={"another": (9, 9)}) == {}


def test_a_closed_fragment_and_the_next_one_are_replayed_apart() -> None:
    entries = [entry(number, f"m{number}").entry for number in range(4)]
    epochs = {KEY: [entries[1].position]}
    states = replay([Archived(each, "applied") for each in entries], epochs=epochs)
    assert {name: state.applied for name, state in states.items()} == {KEY: 2, f"{KEY}.1": 2}
    assert fragment_at(KEY, epochs[KEY], entries[3].position) == f"{KEY}.1"


def test_rows_that_recur_count_once() -> None:
    row = Archived(LogEntry(0, "5-1", KEY, entry(0, "m1").entry.event), "applied")
    assert replay([row, row])[KEY].applied == 1
