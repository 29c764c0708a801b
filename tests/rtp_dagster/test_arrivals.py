"""When new files of the archive ask for a refresh."""

from datetime import date

from rtp_dagster.arrivals import REFRESH_SECONDS, Seen, changed, due


def test_only_days_whose_files_changed_are_reported() -> None:
    before = {"events/2026-03-01": "a", "events/2026-03-02": "b"}
    now = before | {"events/2026-03-02": "c", "decisions/2026-03-02": "d"}
    assert changed(before, now) == [("decisions", date(2026, 3, 2)), ("events", date(2026, 3, 2))]


def test_nothing_new_asks_for_nothing() -> None:
    assert not due(Seen(), news=False, moment=1e9)


def test_news_waits_until_the_last_refresh_is_long_enough_ago() -> None:
    seen = Seen(refreshed_at=1000.0)
    assert not due(seen, news=True, moment=1000.0 + REFRESH_SECONDS - 1)
    assert due(Seen(refreshed_at=1000.0, waiting=True), news=False, moment=1000.0 + REFRESH_SECONDS)


def test_a_build_that_was_just_published_puts_the_next_refresh_off() -> None:
    seen = Seen(waiting=True)
    assert not due(seen, news=True, moment=1000.0, published_at=1000.0 - REFRESH_SECONDS + 1)
    assert due(seen, news=True, moment=1000.0, published_at=1000.0 - REFRESH_SECONDS)
