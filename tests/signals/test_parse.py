from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp.clock import from_micros
from rtp.signals.event import Event
from rtp.signals.parse import (
    MAX_EVENT_BYTES,
    MOST_CONTEXT_KEPT,
    Arrival,
    Batch,
    arrival_of_items,
    parse_batch,
    parse_event,
)
from rtp.signals.rejection import Rejection
from tests.making import DAY, NOON, SECOND

ARRIVAL = Arrival(received_at=NOON)
GOOD: dict[str, Any] = {"type": "track", "event": "Product Viewed", "userId": "u1", "messageId": "m1"}


def parsed(**changes: Any) -> Event:
    result = parse_event(msgspec.json.encode(GOOD | changes), ARRIVAL)
    assert isinstance(result, Event), result
    return result


def rejected(body: bytes | dict[str, Any], arrival: Arrival = ARRIVAL) -> Rejection:
    result = parse_event(body, arrival)
    assert isinstance(result, Rejection), result
    return result


def iso(micros: int) -> str:
    return from_micros(micros).isoformat()


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("track", {}),
        ("identify", {"traits": {"email": "a@b.example"}}),
        ("page", {"name": "Home"}),
        ("screen", {"name": "Home"}),
        ("group", {"groupId": "g1"}),
        ("alias", {"previousId": "anon"}),
    ],
)
def test_all_six_calls_are_read(kind: str, more: dict[str, Any]) -> None:
    result = parsed(type=kind, **more)
    assert (result.type, result.user_id, result.message_id) == (kind, "u1", "m1")


def test_the_call_it_came_by_outranks_the_bodys_type() -> None:
    result = parse_event(GOOD | {"type": "nonsense"}, Arrival(received_at=NOON, type="track"))
    assert isinstance(result, Event)


def test_the_senders_clock_is_corrected() -> None:
    """A till whose clock is a day slow: what counts is how long before sending it happened."""
    slow = NOON - 86_400 * SECOND
    result = parsed(timestamp=iso(slow - 10 * SECOND), sentAt=iso(slow))
    assert result.occurred_at == NOON - 10 * SECOND


@pytest.mark.parametrize("ahead", [SECOND, 14 * 3600 * SECOND, DAY])
def test_an_event_from_a_clock_that_is_ahead_happened_when_it_was_received(ahead: int) -> None:
    """Fourteen hours is local time written as UTC."""
    assert parsed(timestamp=iso(NOON + ahead)).occurred_at == NOON


def test_an_event_of_another_date_to_come_is_kept_aside() -> None:
    refused = rejected(GOOD | {"timestamp": iso(NOON + DAY + SECOND)})
    assert (refused.reason, refused.field) == ("BAD_TIMESTAMP", "timestamp")
    assert "future" in refused.message


def test_a_clock_that_is_years_ahead_is_corrected_where_the_sender_says_what_it_shows() -> None:
    ahead = NOON + 3000 * DAY
    assert parsed(timestamp=iso(ahead - SECOND), sentAt=iso(ahead)).occurred_at == NOON - SECOND


def test_a_late_event_of_whatever_age_keeps_its_time() -> None:
    assert parsed(timestamp=iso(NOON - 2000 * DAY)).occurred_at == NOON - 2000 * DAY


def test_where_somebody_has_corrected_the_time_already_the_original_counts() -> None:
    slow = NOON - DAY
    both = {"originalTimestamp": iso(slow - SECOND), "timestamp": iso(NOON - SECOND), "sentAt": iso(slow)}
    assert parsed(**both).occurred_at == NOON - SECOND


def test_without_a_timestamp_it_happened_when_it_was_received() -> None:
    assert parsed().occurred_at == NOON


def test_a_naive_timestamp_is_utc() -> None:
    assert parsed(timestamp="2025-12-31T12:00:00").occurred_at == NOON - 86_400 * SECOND


def test_a_batchs_sent_at_and_context_serve_its_items() -> None:
    arrival = Arrival(received_at=NOON, sent_at=from_micros(NOON - SECOND), context={"channel": "app", "storeId": "1"})
    result = parse_event(GOOD | {"timestamp": iso(NOON - 2 * SECOND), "context": {"storeId": "2"}}, arrival)
    assert isinstance(result, Event)
    assert (result.occurred_at, result.channel, result.store_id) == (NOON - SECOND, "app", "2")


def test_what_is_nested_as_deep_as_allowed_is_taken() -> None:
    body = b'{"type": "page", "userId": "u", "context": {"a":' + b"[" * 63 + b"]" * 63 + b"}}"
    assert isinstance(parse_event(body, ARRIVAL), Event)


def test_numbers_are_accepted_as_ids() -> None:
    assert parsed(userId=17).user_id == "17"


def test_a_missing_message_id_is_derived_from_the_body() -> None:
    body = msgspec.json.encode({"type": "page", "userId": "u1", "timestamp": "2025-12-31T12:00:00Z"})
    one, two = (parse_event(body, Arrival(received_at=NOON + late)) for late in (0, 5))
    assert isinstance(one, Event)
    assert isinstance(two, Event)
    assert one.message_id == two.message_id


def test_two_equal_bodies_without_any_time_are_two_events() -> None:
    body = msgspec.json.encode({"type": "page", "userId": "u1"})
    ids = {parse_event(body, Arrival(received_at=NOON + late)).message_id for late in (0, 5)}  # type: ignore[union-attr]
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        (b"{", "NOT_JSON", ""),
        (b"\xff\xfe", "NOT_JSON", ""),
        (b"[]", "NOT_AN_OBJECT", ""),
        (b"7", "NOT_AN_OBJECT", ""),
        (b'{"pad": "' + b"x" * MAX_EVENT_BYTES + b'"}', "TOO_LARGE", ""),
        (GOOD | {"type": "purchase"}, "UNKNOWN_TYPE", "type"),
        (GOOD | {"type": None}, "UNKNOWN_TYPE", "type"),
        (GOOD | {"userId": None}, "NO_IDENTITY", ""),
        (GOOD | {"userId": "  "}, "NO_IDENTITY", ""),
        (GOOD | {"userId": ["u1"]}, "BAD_FIELD", "userId"),
        (GOOD | {"userId": "u" * 257}, "BAD_FIELD", "userId"),
        (GOOD | {"event": ""}, "MISSING_FIELD", "event"),
        (GOOD | {"type": "group"}, "MISSING_FIELD", "groupId"),
        (GOOD | {"type": "alias"}, "MISSING_FIELD", "previousId"),
        (GOOD | {"properties": []}, "BAD_FIELD", "properties"),
        (GOOD | {"timestamp": "yesterday"}, "BAD_TIMESTAMP", "timestamp"),
        (GOOD | {"timestamp": "1970-01-01T00:00:00Z"}, "BAD_TIMESTAMP", "timestamp"),
        (GOOD | {"sentAt": 5}, "BAD_TIMESTAMP", "sentAt"),
        (GOOD | {"userId": "u\x00"}, "BAD_FIELD", "userId"),
        (b'{"type": "track", "context": {"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}}", "BAD_FIELD", ""),
        (b'{"type": "page", "userId": "u", "context": {"a":' + b"[" * 64 + b"]" * 64 + b"}}", "BAD_FIELD", ""),
    ],
)
def test_what_is_unusable_is_kept_with_its_reason(body: bytes | dict[str, Any], reason: str, field: str) -> None:
    result = rejected(body)
    assert (result.reason, result.field) == (reason, field)
    assert result.body == (body if isinstance(body, bytes) else msgspec.json.encode(body))
    assert result.message.endswith(".")


def test_an_email_is_identity_enough() -> None:
    assert parsed(userId=None, traits={"email": "a@b.example"}).user_id is None
    assert parsed(userId=None, context={"traits": {"loyaltyId": "L1"}}).user_id is None


def test_a_bad_item_of_a_batch_harms_no_other() -> None:
    body = b'{"sentAt": "2026-01-01T00:00:00Z", "batch": [7, {"userId": "u1", "type": "page"}, {}]}'
    batch = parse_batch(body, ARRIVAL)
    assert isinstance(batch, Batch)
    assert batch.sent_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert [type(parse_event(item, ARRIVAL)) for item in batch.batch] == [Rejection, Event, Rejection]


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"batch": 3}'])
def test_a_body_that_is_no_batch_is_rejected_whole(body: bytes) -> None:
    assert isinstance(parse_batch(body, ARRIVAL), Rejection)


def test_a_rejection_keeps_all_that_its_reading_depends_on() -> None:
    arrival = Arrival(received_at=NOON, sent_at=from_micros(NOON - SECOND), context={"channel": "app"}, gpc=True)
    rejection = rejected(b"{}", arrival)
    assert (rejection.sent_at, rejection.context, rejection.gpc) == (NOON - SECOND, {"channel": "app"}, True)
    assert rejected(b"{}", Arrival(received_at=NOON, type="page")).call == "page"


def test_a_large_context_of_a_batch_is_not_kept_with_each_of_its_items() -> None:
    batch = Batch(batch=[], context={"notes": "x" * MOST_CONTEXT_KEPT})
    assert rejected(b"{}", arrival_of_items(ARRIVAL, batch)).context == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["type", "event", "userId", "anonymousId", "messageId", "timestamp", "sentAt", "properties", "context"]


@given(st.binary(max_size=60) | st.dictionaries(st.sampled_from(FIELDS), JSON).map(msgspec.json.encode))
def test_no_body_whatever_makes_it_raise(body: bytes) -> None:
    result = parse_event(body, ARRIVAL)
    if isinstance(result, Event):
        assert result.occurred_at <= result.received_at
        assert msgspec.json.decode(msgspec.json.encode(result), type=Event) == result


@given(st.timedeltas(timedelta(days=-3000), timedelta(days=3000)), st.timedeltas(timedelta(0), timedelta(days=30)))
def test_the_clock_correction_does_not_depend_on_the_senders_clock(skew: timedelta, ago: timedelta) -> None:
    sent = from_micros(NOON) + skew
    result = parsed(timestamp=(sent - ago).isoformat(), sentAt=sent.isoformat())
    assert result.occurred_at == NOON - ago // timedelta(microseconds=1)
