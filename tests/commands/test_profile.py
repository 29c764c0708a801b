"""What `rtp profile` and `rtp events` print is for people."""

import pytest

from rtp.commands.events import late
from rtp.commands.profile import readable


def test_times_are_dates_and_figures_have_three_places() -> None:
    assert readable(1_795_423_453_000_000, is_time=True) == "2026-11-23T08:44:13Z"
    assert readable(2.9604195243765723, is_time=False) == "2.960"
    assert readable(0, is_time=False) == "0"
    assert readable(["P002", "P001"], is_time=False) == "P002, P001"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-5.0, ""), (59.9, ""), (60.0, "1 min"), (5 * 3600.0, "5 h"), (47 * 3600.0, "47 h"), (48 * 3600.0, "2 d")],
)
def test_an_event_that_came_late_says_by_how_much(seconds: float, told: str) -> None:
    assert late(seconds) == (f" ({told} late)" if told else "")
