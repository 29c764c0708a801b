"""Audiences: what a destination is told adds up to who is in."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from rtp.activation.audiences import Audience, applied, batches, delta, hashed, message

MEMBERS = st.dictionaries(
    st.sampled_from([f"c{number}" for number in range(8)]), st.fixed_dictionaries({"email": st.sampled_from("ab")})
)
AUDIENCE = Audience(name="Loyal", description="", owner="team:marketing", destination="crm")


@given(MEMBERS, MEMBERS)
def test_the_delta_turns_the_old_members_into_the_new_ones(before: dict, now: dict) -> None:
    assert applied(before, delta(before, now)) == now


@given(MEMBERS, MEMBERS, st.integers(1, 3), st.integers(0, 8))
def test_stopping_after_any_batch_and_going_on_sends_each_change_once(
    before: dict, now: dict, size: int, stop: int
) -> None:
    whole = list(batches("loyal", "v1", delta(before, now), size))
    members = before
    for batch in whole[:stop]:
        members = applied(members, batch.changes)
    rest = list(batches("loyal", "v1", delta(members, now), size))
    assert rest == whole[stop:]


def test_nobody_changed_means_nothing_to_send() -> None:
    members = {"c1": {"email": "a"}}
    assert list(batches("loyal", "v1", delta(members, members), 10)) == []


def test_an_email_is_hashed_trimmed_and_in_lower_case_and_never_twice() -> None:
    digest = hashlib.sha256(b"jo@example.org").hexdigest()
    assert hashed("email", "  Jo@Example.ORG ") == digest
    assert hashed("email", digest) == digest


def test_the_message_says_who_came_and_who_went_without_plain_identifiers() -> None:
    before, now = {"c1": {"email": hashed("email", "a@x.org")}}, {"c2": {"email": hashed("email", "b@x.org")}}
    (batch,) = batches("loyal", "v2", delta(before, now), 10)
    data = message("loyal", AUDIENCE, "v2", batch, members=1)["data"]
    assert [person["customerId"] for person in data["added"]] == ["c2"]
    assert data["removed"][0]["identifiers"] == {"email_sha256": before["c1"]["email"]}
    assert "@" not in str(data)
