"""Live state is a commutative monoid, so that merges, unmerges and late events cannot change what is known."""

import random
from functools import reduce

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.features.accumulators import Newest
from rtp.features.live import LIVE_FEATURES, LiveState, combine, empty_state, fold, project
from rtp.signals.event import Event
from tests.features.events import NOW, event_lists


def folded(events: list[Event]) -> LiveState:
    return reduce(fold, events, empty_state())


def as_bytes(state: LiveState) -> bytes:
    return msgspec.msgpack.encode(state, order="deterministic")


@given(event_lists(), st.randoms(use_true_random=False))
def test_folding_in_any_order_gives_the_same_bytes(events: list[Event], rng: random.Random) -> None:
    shuffled = rng.sample(events, len(events))
    assert as_bytes(folded(events)) == as_bytes(folded(shuffled))


@given(event_lists(), event_lists(), event_lists())
def test_combine_is_associative_commutative_and_has_a_neutral_element(
    first: list[Event], second: list[Event], third: list[Event]
) -> None:
    a, b, c = folded(first), folded(second), folded(third)
    assert as_bytes(combine([a, combine([b, c])])) == as_bytes(combine([combine([a, b]), c]))
    assert as_bytes(combine([a, b])) == as_bytes(combine([b, a]))
    assert as_bytes(combine([a, empty_state()])) == as_bytes(a) == as_bytes(combine([empty_state(), a]))


@given(event_lists(), st.data())
def test_splitting_events_over_fragments_changes_nothing(events: list[Event], data: st.DataObject) -> None:
    parts = [data.draw(st.integers(0, 3)) for _ in events]
    fragments = [folded([event for event, part in zip(events, parts, strict=True) if part == n]) for n in range(4)]
    assert as_bytes(combine(fragments)) == as_bytes(folded(events))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=30), st.data())
def test_bounded_entries_combine_alike_however_they_are_grouped(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    """The bounds bite here: the features' own limits are too wide for random events to reach."""
    small = Newest("small", lambda _event: [], key=slice(1, 2), limit=3, horizon=10)
    entries = [[at, key] for at, key in pairs]
    cut = data.draw(st.integers(0, len(entries)))
    whole = reduce(small.combine, [[entry] for entry in entries], []) if entries else []
    parts = [reduce(small.combine, [[entry] for entry in part], []) for part in (entries[:cut], entries[cut:]) if part]
    assert (reduce(small.combine, reversed(parts)) if parts else []) == whole


@given(event_lists())
def test_a_state_survives_msgpack_and_json(events: list[Event]) -> None:
    state = folded(events)
    assert msgspec.msgpack.decode(as_bytes(state)) == state
    assert msgspec.json.decode(msgspec.json.encode(state)) == state


@given(event_lists())
def test_folding_leaves_the_given_state_alone(events: list[Event]) -> None:
    state = folded(events[:-1])
    before = as_bytes(state)
    for event in events:
        fold(state, event)
    assert as_bytes(state) == before


KINDS: dict[str, type | tuple[type, ...]] = {
    "Int64": int, "Float64": float, "String": str, "Bool": bool, "UnixTimestamp": int, "Array(String)": list,
}  # fmt: skip


@given(event_lists())
def test_every_projected_value_has_its_type(events: list[Event]) -> None:
    row = project(folded(events), NOW)
    for feature in LIVE_FEATURES:
        assert row[feature.name] is None or type(row[feature.name]) is KINDS[feature.type]


def test_names_are_unique() -> None:
    names = [feature.name for feature in LIVE_FEATURES]
    assert len(set(names)) == len(names)
    parts = {feature.over.name: feature.over for feature in LIVE_FEATURES}
    assert all(parts[feature.over.name] is feature.over for feature in LIVE_FEATURES), "two accumulators, one name"


@pytest.mark.parametrize("feature", LIVE_FEATURES, ids=lambda feature: feature.name)
def test_every_feature_says_what_it_means(feature: object) -> None:
    assert getattr(feature, "meaning", "").endswith(".")
