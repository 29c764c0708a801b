"""The fold is a function of the log: of what is in it, not of how it arrives."""

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rtp.profile.folding import Incoming, fold_entries
from rtp.profile.fragment import (
    DEDUPLICATION_MS,
    Fragment,
    FragmentState,
    decode_state,
    encode_state,
)
from rtp.signals.event import LogEntry
from tests.making import NOON, SECOND, event, user_key

NAMES = [
    "Product Viewed",
    "Product Added",
    "Product Removed",
    "Order Completed",
    "Products Searched",
    "Consent Changed",
]


def entry(milliseconds: int, message_id: str, name: str = "Product Viewed", *, late: int = 0) -> Incoming:
    properties = {
        "productId": f"p{late % 3}", "price": late, "orderId": message_id,
        "purpose": "marketing", "channel": "email", "status": "granted" if late % 2 else "denied",
    }  # fmt: skip
    made = event(message_id, name, occurred_at=NOON - late * SECOND, properties=properties, gpc=late % 5 == 0)
    return Incoming(LogEntry(0, f"{NOON // 1000 + milliseconds}-0", user_key(), made))


def folded(batches: Sequence[Sequence[Incoming]]) -> Fragment:
    fragment = Fragment()
    for batch in batches:
        fragment = fold_entries(fragment, batch).fragment
        # What is stored is bytes: a fold may not depend on what does not survive them.
        fragment = msgspec.structs.replace(fragment, state=decode_state(encode_state(fragment.state)), pending=())
    return fragment


ENTRIES = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(NAMES), st.integers(0, 400)), min_size=1, max_size=25
).map(
    # One message id stands for one content, however often it is sent.
    lambda drawn: [
        entry(number * 7, f"m{key}", NAMES[key % len(NAMES)], late=key * 31) for number, (key, _, _) in enumerate(drawn)
    ]
)


@given(ENTRIES, st.data())
def test_any_batching_and_redelivery_gives_identical_bytes(entries: list[Incoming], data: st.DataObject) -> None:
    once = folded([entries])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(entries)), max_size=4)))
    batches = [entries[start:end] for start, end in zip([0, *cuts], [*cuts, len(entries)], strict=True)]
    again = [part for batch in batches for part in (batch, batch[: len(batch) // 2])]
    assert encode_state(folded(again).state) == encode_state(once.state)


@given(ENTRIES, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_an_equal_profile(entries: list[Incoming], random: object) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = folded([entries]).state, folded([[each] for each in shuffled]).state
    assert (one.live, one.consent, one.applied) == (other.live, other.consent, other.applied)
    assert one.applied == len({each.entry.event.message_id for each in entries})


def test_a_message_counts_again_after_24_hours_of_log_time() -> None:
    first, soon = entry(0, "m1"), entry(DEDUPLICATION_MS, "m1")
    assert fold_entries(Fragment(), [first, soon]).outcomes == ("applied", "duplicate")
    later = entry(DEDUPLICATION_MS + 1, "m1")
    assert fold_entries(Fragment(), [first, later]).outcomes == ("applied", "applied")


def test_what_is_older_than_24_hours_is_forgotten_but_not_folded_again() -> None:
    first, later = entry(0, "m1"), entry(DEDUPLICATION_MS + 1, "m2")
    fragment = folded([[first], [later]])
    assert len(fragment.state.seen) == 1
    again = fold_entries(fragment, [first])
    assert (again.outcomes, again.changed) == (("applied",), False)


def test_a_fold_that_changes_nothing_still_shows_the_effects_that_are_left() -> None:
    order = entry(0, "m1", "Order Completed")
    event = msgspec.structs.replace(order.entry.event, context={"storeId": "s1"})
    order = Incoming(msgspec.structs.replace(order.entry, event=event))
    again = fold_entries(fold_entries(Fragment(), [order]).fragment, [order])
    assert not again.changed
    assert [effect.effect_id for effect in again.fragment.pending] == ["m1:stock"]


def test_the_empty_state_survives_its_encoding() -> None:
    assert decode_state(encode_state(FragmentState())) == FragmentState()
