from typing import Any

import pytest

from rtp.features.commerce import is_activity, is_meaningful
from rtp.profile.consent import Consent, Purpose, grants_of
from rtp.settings import checkout_root
from rtp.signals.event import Event
from rtp.signals.parse import Arrival, parse_event
from rtp.signals.rejection import Rejection
from rtp.signals.vocabulary import BY_NAME, SPECS
from tests.making import NOON, event

EXAMPLES: dict[str, Any] = {
    "order_id": "o1", "ticket_id": 17, "points": 12.5, "tier": "gold", "purpose": "ads", "dwellMs": 900,
}  # fmt: skip


def parsed(name: str, properties: dict[str, Any] | None = None) -> Event | Rejection:
    body = {"userId": "u1", "event": name, "properties": EXAMPLES if properties is None else properties}
    return parse_event(body, Arrival(received_at=NOON, type="track"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_known_event_is_taken_with_its_properties_and_refused_without(spec: Any) -> None:
    assert isinstance(parsed(spec.name), Event)
    for name in spec.required:
        refused = parsed(spec.name, {key: value for key, value in EXAMPLES.items() if key != name})
        assert isinstance(refused, Rejection)
        assert (refused.reason, refused.field) == ("MISSING_FIELD", f"properties.{name}")
        assert spec.name in refused.message


def test_each_name_stands_in_one_place_and_in_the_docs() -> None:
    assert len(BY_NAME) == len(SPECS)
    page = (checkout_root() / "docs" / "events.md").read_text()
    assert [name for name in BY_NAME if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("name", "properties", "field"),
    [
        ("Loyalty Points Earned", {"points": "many"}, "properties.points"),
        ("Loyalty Points Earned", {"points": -1}, "properties.points"),
        ("Loyalty Points Earned", {"points": True}, "properties.points"),
        ("Order Shipped", {"order_id": {"id": 1}}, "properties.order_id"),
        ("Order Shipped", {"orderId": "  "}, "properties.order_id"),
        ("Product Viewed", {"product_id": ["p1"]}, "properties.product_id"),
        ("Consent Changed", {"purpose": "world peace"}, "properties.purpose"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_path(name: str, properties: dict[str, Any], field: str) -> None:
    refused = parsed(name, properties)
    assert isinstance(refused, Rejection)
    assert (refused.reason, refused.field) == ("BAD_FIELD", field)


def test_camel_case_is_read_too() -> None:
    assert isinstance(parsed("Order Shipped", {"orderId": 17}), Event)


def test_an_engagement_says_how_deep_or_how_long() -> None:
    assert isinstance(parsed("Page Engaged", {"scrollDepth": 80}), Event)
    refused = parsed("Page Engaged", {"url": "/"})
    assert isinstance(refused, Rejection)
    assert refused.reason == "MISSING_FIELD"


def test_an_event_of_the_retailers_own_is_taken_whatever_it_holds() -> None:
    custom = parsed("Recipe Cooked", {"order_id": {}, "points": "x"})
    assert isinstance(custom, Event)
    assert is_meaningful(custom)


@pytest.mark.parametrize(
    ("name", "context", "channel"),
    [
        ("Email Opened", {}, "email"),
        ("Ad Clicked", {}, "ads"),
        ("Loyalty Card Scanned", {}, "store"),
        ("Order Completed", {"channel": "Store "}, "store"),
        ("Email Link Clicked", {"channel": "app"}, "app"),
        ("Product Viewed", {"device": {"type": "iOS"}}, "app"),
        ("Product Viewed", {"device": 7, "channel": {"a": 1}}, "web"),
        ("Recipe Cooked", {}, "web"),
    ],
)
def test_the_channel_is_the_senders_word_else_the_names(name: str, context: dict[str, Any], channel: str) -> None:
    assert event("m1", name, context=context).channel == channel


def test_a_screen_is_an_apps() -> None:
    assert event("m1", "Home", type="screen").channel == "app"


def test_what_is_done_to_a_shopper_is_no_act_of_theirs() -> None:
    assert not is_activity(event("m1", "Order Delivered"))
    assert not is_meaningful(event("m1", "Loyalty Points Earned"))
    assert is_meaningful(event("m1", "Support Ticket Opened"))


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("Unsubscribed", "email"),
        ("Email Marked as Spam", "email"),
        ("SMS Unsubscribed", "sms"),
        ("Push Notification Unsubscribed", "push"),
    ],
)
def test_an_unsubscription_takes_back_what_was_granted_there_and_nowhere_else(name: str, channel: str) -> None:
    before = event(
        "m0", "Consent Changed", occurred_at=NOON - 1, properties={"purpose": "marketing", "status": "granted"}
    )
    granted = grants_of(before)
    assert Consent(granted).allows(Purpose.MARKETING, channel)
    after = Consent(granted | grants_of(event("m1", name, context={"channel": "web"})))
    assert not after.allows(Purpose.MARKETING, channel)
    assert after.allows(Purpose.MARKETING, "web")
