import pytest

from rtp.profile.consent import Consent, Grant, Grants, Purpose
from rtp.profile.merged_consent import Side, consent_of

MERGED = 100


def said(**words: int) -> dict[str, Grant]:
    """marketing/<channel> by when it was granted; denied, where negative."""
    return {f"marketing/{channel}": Grant("granted" if at > 0 else "denied", abs(at)) for channel, at in words.items()}


def allowed(left: Grants, right: Grants, channel: str) -> bool:
    one, other = (Consent(consent_of(Side(a, ((MERGED, Side(b)),)))) for a, b in ((left, right), (right, left)))
    assert one.allows(Purpose.MARKETING, channel) == other.allows(Purpose.MARKETING, channel)
    return one.allows(Purpose.MARKETING, channel)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (said(email=20), said(), True),
        (said(email=20), said(email=-10), False),
        (said(email=20), said(email=10), True),
        (said(email=20), said(all=-10), False),
        (said(all=20), said(email=-10), False),
        (said(all=-1, email=2), said(), True),
        (said(all=-1, email=2), said(email=3), True),
        (said(all=-1, email=2), said(email=-3), False),
        (said(email=MERGED + 1), said(email=-10), True),
        (said(email=20), said(email=-MERGED - 1), False),
        (said(email=MERGED + 1), said(email=-MERGED - 2), False),
    ],
)
def test_of_two_customers_the_stricter_word_counts_until_a_new_one_is_said(
    left: Grants, right: Grants, expected: bool
) -> None:
    assert allowed(left, right, "email") is expected


def test_a_no_that_came_with_an_earlier_merge_still_counts_in_the_next() -> None:
    inner = Side(said(email=30), ((50, Side(said(email=-10))),))
    outer = Side(said(email=40), ((MERGED, inner),))
    assert not Consent(consent_of(outer)).allows(Purpose.MARKETING, "email")
    assert Consent(consent_of(Side(said(email=60)))).allows(Purpose.MARKETING, "email")


def test_other_purposes_are_left_alone() -> None:
    ads = {"ads/all": Grant("granted", 5)}
    assert consent_of(Side(ads | said(email=-1), ((MERGED, Side(said(email=2))),)))["ads/all"] == Grant("granted", 5)


def test_the_order_in_which_merges_are_listed_does_not_matter() -> None:
    joined = [(50, Side(said(email=-10))), (60, Side(said(email=55, sms=-3))), (70, Side(said(all=65)))]
    results = {str(consent_of(Side(said(sms=1), tuple(order)))) for order in (joined, joined[::-1])}
    assert len(results) == 1
