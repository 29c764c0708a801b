"""By how much dates move."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rtp.signals.feeds.dates import days_to_yesterday, whole_weeks_to_yesterday

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, MOMENTS)
def test_weeks_keep_the_weekday_and_end_in_the_seven_days_before_today(newest: datetime, now: datetime) -> None:
    days = whole_weeks_to_yesterday(newest, now)
    moved = newest + timedelta(days=days)
    assert days % 7 == 0
    assert timedelta(days=1) <= now.date() - moved.date() <= timedelta(days=7)


@given(MOMENTS, MOMENTS)
def test_a_count_moves_to_yesterday(newest: datetime, now: datetime) -> None:
    moved = newest + timedelta(days=days_to_yesterday(newest, now))
    assert now.date() - moved.date() == timedelta(days=1)
    assert moved.time() == newest.time()
