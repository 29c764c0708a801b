from typing import Any

import pytest

from rtp.features.live import empty_state, fold, project
from rtp.signals.engagement import LONGEST_DWELL_MS, ad_led_here, dwell_ms, scroll_depth
from tests.making import NOON, SECOND, event


@pytest.mark.parametrize("kind", [{"type": "page"}, {"type": "screen"}, {"name": "Page Engaged"}])
def test_depth_and_dwell_are_told_by_the_page_or_when_it_is_left(kind: dict[str, Any]) -> None:
    told = event(properties={"dwellMs": 1500.7, "scrollDepth": 80}, **kind)
    assert (dwell_ms(told), scroll_depth(told)) == (1500, 80)


@pytest.mark.parametrize("value", [None, "80", True, -1, float("nan"), float("inf"), [80], {}])
def test_what_is_no_measure_is_not_told(value: Any) -> None:
    told = event(type="page", properties={"dwellMs": value, "scrollDepth": value})
    assert (dwell_ms(told), scroll_depth(told)) == (None, None)


def test_a_tab_left_open_and_a_page_longer_than_itself_are_capped() -> None:
    told = event(type="page", properties={"dwellMs": 1e12, "scrollDepth": 250})
    assert (dwell_ms(told), scroll_depth(told)) == (LONGEST_DWELL_MS, 100)


def test_other_events_may_use_the_words_for_something_else() -> None:
    assert dwell_ms(event(properties={"dwellMs": 5})) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "Ad Clicked"}, True),
        ({"name": "Product Viewed", "properties": {"url": "https://shop.test/?gclid=x"}}, False),
        ({"type": "page", "context": {"page": {"search": "?a=1&gclid=abc"}}}, True),
        ({"type": "page", "properties": {"url": "https://shop.test/p?msclkid=7#top"}}, True),
        ({"type": "page", "properties": {"url": "https://shop.test/gclid=7"}}, False),
        ({"type": "page", "properties": {"search": "?gclid="}}, False),
        ({"type": "page", "properties": {"search": "?" + "a=1&" * 5000 + "gclid=z"}}, True),
        ({"type": "page", "context": {"campaign": {"medium": " CPC "}}}, True),
        ({"type": "page", "context": {"campaign": {"medium": "email"}}}, False),
        ({"type": "page", "context": {"campaign": 7, "page": 8}, "properties": {"url": {}}}, False),
    ],
)
def test_an_ad_is_known_by_name_click_id_or_paid_medium(changes: dict[str, Any], expected: bool) -> None:
    assert ad_led_here(event(**changes)) is expected


def test_every_source_leaves_its_trace_in_the_features() -> None:
    state = empty_state()
    for number, changes in enumerate(
        [
            {"type": "page", "name": "", "context": {"campaign": {"medium": "cpc"}}},
            {"name": "Page Engaged", "properties": {"dwellMs": 4000, "scrollDepth": 75}},
            {"name": "Page Engaged", "properties": {"dwellMs": 500, "scrollDepth": 74}},
            {"name": "Email Link Clicked"},
            {"name": "Support Ticket Opened", "properties": {"ticket_id": 1}},
            {"name": "Loyalty Card Scanned"},
            {"name": "Support Ticket Solved", "properties": {"ticket_id": 1}},
            {"name": "Loyalty Points Earned", "properties": {"points": 1}},
        ]
    ):
        state = fold(state, event(f"m{number}", **{"occurred_at": NOON + number * SECOND, **changes}))
    row = project(state, NOON + 60 * SECOND)
    assert (row["dwell_ms_24h"], row["pages_read_24h"]) == (4500, 1)
    whens = [row[f"last_{name}_at"] for name in ("ad_click", "email_click", "service", "loyalty")]
    assert whens == [NOON, NOON + 3 * SECOND, NOON + 4 * SECOND, NOON + 5 * SECOND]
    assert project(state, NOON + 100_000 * SECOND)["dwell_ms_24h"] == 0
