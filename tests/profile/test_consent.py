from itertools import permutations
from typing import Any

import pytest

from rtp.clock import from_micros
from rtp.profile.consent import Consent, Grant, Purpose, combine_grants, consent_properties, grants_of
from tests.making import NOON, SECOND, event


def consent(**grants: Grant) -> Consent:
    return Consent({key.replace("_", "/"): grant for key, grant in grants.items()})


def changed(**properties: Any) -> dict[str, Grant]:
    return grants_of(event("m1", "Consent Changed", properties=properties))


GRANTED, DENIED = Grant("granted", NOON), Grant("denied", NOON)
LATER_DENIED, LATER_GRANTED = Grant("denied", NOON + 1), Grant("granted", NOON + 1)


@pytest.mark.parametrize(
    ("known", "allowed"),
    [
        (consent(), False),
        (consent(marketing_email=GRANTED), True),
        (consent(marketing_all=GRANTED), True),
        (consent(marketing_sms=GRANTED), False),
        (consent(ads_email=GRANTED), False),
        (consent(marketing_email=DENIED, marketing_all=LATER_GRANTED), False),
        (consent(marketing_email=GRANTED, marketing_all=LATER_DENIED), False),
        (consent(marketing_email=LATER_GRANTED, marketing_all=DENIED), True),
    ],
)
def test_only_a_yes_that_no_later_no_takes_back_allows(known: Consent, allowed: bool) -> None:
    assert known.allows(Purpose.MARKETING, "email") is allowed


def test_a_consent_event_is_read_back_as_it_was_written() -> None:
    at = from_micros(NOON - SECOND)
    said = changed(**consent_properties(Purpose.ADS, "push", "granted", at=at, source="app"))
    assert said == {"ads/push": Grant("granted", NOON - SECOND, "app")}


def test_a_consent_without_a_time_was_given_when_the_event_happened() -> None:
    assert changed(purpose="ads", channel="push", status="granted") == {"ads/push": Grant("granted", NOON, "default")}


def test_a_status_that_cannot_be_read_is_a_no() -> None:
    assert changed(purpose="marketing", status="yes please")["marketing/all"].status == "denied"


def test_a_purpose_that_does_not_exist_says_nothing() -> None:
    assert changed(purpose="fun", status="granted") == {}


def test_a_consent_from_the_future_was_given_when_it_was_received() -> None:
    future = from_micros(NOON + 999 * SECOND).isoformat()
    assert changed(purpose="ads", channel="push", status="granted", at=future)["ads/push"].at == NOON


def test_global_privacy_control_opts_out_of_sale_and_ads() -> None:
    said = grants_of(event("m1", gpc=True))
    assert {key: grant.status for key, grant in said.items()} == {"sale/all": "denied", "ads/all": "denied"}


def test_the_last_word_counts_in_whatever_order_it_arrives() -> None:
    words = [{"ads/all": each} for each in (GRANTED, DENIED, LATER_GRANTED, Grant("granted", NOON - 1, "x"))]
    assert {str(combine_grants(order)) for order in permutations(words)} == {str({"ads/all": LATER_GRANTED})}
    assert combine_grants([{"ads/all": GRANTED}, {"ads/all": DENIED}]) == {"ads/all": DENIED}
