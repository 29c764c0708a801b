"""What training is told of a shopper is what was known then, and no more."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rtp.features.accumulators import HOUR
from rtp.features.live import combine, lift, project
from rtp.features.past import rows_at
from rtp.signals.event import Event
from tests.features.events import NOW, event_lists, track


@given(event_lists(), st.lists(st.integers(-3, 3), max_size=4))
def test_a_row_is_the_fold_of_what_had_come_in_by_then(events: list[Event], moments: list[int]) -> None:
    """The same fold as the worker's, read at the moment itself: nothing is left to decay."""
    asked = [NOW + moment for moment in moments]
    for moment, row in zip(asked, rows_at(events, asked), strict=True):
        known = [lift(event) for event in events if event.received_at < moment]
        assert row == (project(combine(known), moment) if known else {})


def test_what_came_in_late_was_not_known_and_a_message_sent_twice_counts_once() -> None:
    seen = track("Product Viewed", message="a", at=NOW - HOUR, product_id="1")
    late = msgspec.structs.replace(seen, message_id="b", received_at=NOW + HOUR)
    before, after = rows_at([seen, late, seen], [NOW + 1, NOW + 2 * HOUR])
    assert (before["product_views_24h"], after["product_views_24h"]) == (1, 2)
