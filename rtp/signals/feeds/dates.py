"""By how much a load moves dates, so that an old year ends yesterday."""

from datetime import UTC, datetime, time, timedelta


def _end_of_yesterday(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(UTC).date(), time(), tzinfo=UTC)


def whole_weeks_to_yesterday(newest: datetime, now: datetime) -> int:
    """Days, a multiple of 7: the latest move after which `newest` lies before today (UTC). Keeps weekdays."""
    return (_end_of_yesterday(now) - newest - timedelta(microseconds=1)) // timedelta(days=7) * 7


def days_to_yesterday(newest: datetime, now: datetime) -> int:
    """Days after which `newest` lies on yesterday (UTC)."""
    return (_end_of_yesterday(now) - newest - timedelta(microseconds=1)) // timedelta(days=1)
