"""When an event happened: the sender's clock corrected, and a rule for what is late, early or from the future.

The rules stand as a table in docs/events.md.
"""

from datetime import UTC, datetime, timedelta

from rtp.clock import to_micros

EARLIEST = to_micros(datetime(2000, 1, 1, tzinfo=UTC))
FUTURE_TOLERANCE = timedelta(hours=24) // timedelta(microseconds=1)
"""A wrong clock, or local time written as UTC, is ahead by less than this: such an event happened when it came.

What lies further ahead is no clock's mistake but another date (of delivery, of an appointment) in the wrong field.
"""


class BadTime(Exception):
    """A time at which the event cannot have happened; says so in one sentence."""


def occurred_at(*, received_at: int, sent_at: datetime | None, said: datetime | None) -> int:
    """Segment's correction, receivedAt - (sentAt - said), in microseconds; never later than `received_at`.

    Only the distance of the sender's two times counts, so its clock may be wrong by years. Without `sentAt` its clock
    is believed. Any age is taken, back to the year 2000. Raises BadTime.
    """
    if said is None:
        return received_at
    occurred = micros(said) + (received_at - micros(sent_at) if sent_at else 0)
    if occurred < EARLIEST:
        raise BadTime("`timestamp` lies before the year 2000.")
    if occurred > received_at + FUTURE_TOLERANCE:
        raise BadTime("`timestamp` lies more than 24 hours in the future.")
    return min(occurred, received_at)


def micros(moment: datetime) -> int:
    """A time in microseconds since 1970; one without a zone is UTC."""
    return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
