import hashlib
import hmac

import pytest

from rtp.identity.cards import with_hashed_card
from rtp.identity.identifiers import identifiers_of, partitioning
from rtp.identity.intake import Accepted, accept
from rtp.identity.keys import KeyedHash, partition_of
from rtp.identity.normalize import DEFAULT_SPELLING, Spelling, normalize
from rtp.identity.types import Identifier, IdentifierType
from rtp.signals.parse import Arrival
from rtp.signals.rejection import Rejection
from tests.making import KEYS, NOON, event


@pytest.mark.parametrize(
    ("kind", "value", "spelled"),
    [
        (IdentifierType.EMAIL, "  Ann@Shop.Example ", "ann@shop.example"),
        (IdentifierType.PHONE, "(201) 555-0123", "+12015550123"),
        (IdentifierType.PHONE, "+44 20 7946 0018", "+442079460018"),
        (IdentifierType.USER_ID, 17, "17"),
        (IdentifierType.LOYALTY_ID, " L-1 ", "L-1"),
    ],
)
def test_each_identifier_has_one_spelling(kind: IdentifierType, value: object, spelled: str) -> None:
    assert normalize(kind, value) == Identifier(kind, spelled)


@pytest.mark.parametrize("value", ["", "0", "000-000", "-1", "NULL", "anonymous", "Undefined", None, True, ["u"], 1.5])
def test_values_that_stand_for_nobody_are_no_identifiers(value: object) -> None:
    assert normalize(IdentifierType.USER_ID, value) is None


@pytest.mark.parametrize(("kind", "value"), [(IdentifierType.EMAIL, "ann"), (IdentifierType.PHONE, "12")])
def test_a_malformed_contact_is_no_identifier(kind: IdentifierType, value: str) -> None:
    assert normalize(kind, value) is None


def test_a_national_number_depends_on_the_region() -> None:
    assert normalize(IdentifierType.PHONE, "030 123456", spelling=Spelling("DE")) == Identifier(
        IdentifierType.PHONE, "+4930123456"
    )


def test_identifiers_come_strongest_first_and_never_from_properties() -> None:
    found = identifiers_of(
        event(
            anonymous_id="a1",
            traits={"email": "Ann@Shop.example", "loyaltyId": "L1"},
            context={"traits": {"email": "ann@shop.example"}},
            properties={"email": "friend@shop.example"},
        )
    )
    assert [each.type for each in found] == ["user_id", "email", "loyalty_id", "anonymous_id"]
    assert found[1].value == "ann@shop.example"


def test_events_are_partitioned_by_user_else_anonymous_id() -> None:
    user = partitioning(identifiers_of(event(anonymous_id="a1")))
    anonymous = partitioning(identifiers_of(event(user_id=None, anonymous_id="a1", traits={"email": "a@b.example"})))
    assert user == Identifier(IdentifierType.USER_ID, "u1")
    assert anonymous == Identifier(IdentifierType.ANONYMOUS_ID, "a1")


def test_keys_depend_on_type_value_and_secret() -> None:
    one = Identifier(IdentifierType.USER_ID, "u1")
    other = Identifier(IdentifierType.LOYALTY_ID, "u1")
    keys = {KEYS.partition_key(one), KEYS.partition_key(other), KeyedHash(b"another").partition_key(one)}
    assert len(keys) == 3
    assert all(len(key) == 25 and key[0] == "p" for key in keys)
    assert KEYS.customer_id(one)[0] == "c"


def test_partitions_are_used_evenly() -> None:
    keys = [KEYS.partition_key(Identifier(IdentifierType.USER_ID, str(number))) for number in range(2000)]
    counts = [sum(partition_of(key, 8) == each for key in keys) for each in range(8)]
    assert min(counts) > 180


def test_an_event_whose_identifiers_stand_for_nobody_is_rejected() -> None:
    result = accept(b'{"type": "page", "userId": "null", "anonymousId": "0"}', Arrival(received_at=NOON), KEYS)
    assert isinstance(result, Rejection)
    assert result.reason == "NO_IDENTITY"


def test_an_accepted_event_carries_its_partition_key() -> None:
    result = accept(b'{"type": "page", "userId": " u1 "}', Arrival(received_at=NOON), KEYS)
    assert isinstance(result, Accepted)
    assert result.partition_key == KEYS.partition_key(Identifier(IdentifierType.USER_ID, "u1"))


def test_a_card_is_known_by_its_keyed_hash_and_its_token_is_kept_nowhere() -> None:
    body = b'{"type": "track", "event": "Order Completed", "properties": {"cardToken": "tok_4711", "total": 3}}'
    result = accept(body, Arrival(received_at=NOON), KEYS)
    assert isinstance(result, Accepted)
    (card,) = identifiers_of(result.event)
    assert card == Identifier(IdentifierType.CARD, KEYS.card("tok_4711"))
    assert "tok_4711" not in str(result.event)
    assert with_hashed_card(result.event, KEYS, DEFAULT_SPELLING) == result.event


def test_a_card_token_that_stands_for_nobody_is_dropped() -> None:
    body = b'{"type": "page", "userId": "u1", "context": {"cardToken": "0000-0000"}}'
    result = accept(body, Arrival(received_at=NOON), KEYS)
    assert isinstance(result, Accepted)
    assert [each.type for each in identifiers_of(result.event)] == ["user_id"]
    assert result.event.context == {"cardToken": None}


def test_a_device_is_an_identifier_and_partitions_what_nothing_else_does() -> None:
    found = identifiers_of(event(user_id=None, context={"device": {"id": "tablet-7"}}))
    assert found == (Identifier(IdentifierType.DEVICE, "tablet-7"),)
    assert partitioning(found) == found[0]


@pytest.mark.parametrize("secret", [b"", b"short", b"x" * 64, b"longer than a block of the hash" * 4])
def test_a_key_is_the_hmac_of_type_and_value(secret: bytes) -> None:
    mac = hmac.new(secret, b"email:ann@b.test", hashlib.sha256).hexdigest()
    assert KeyedHash(secret).partition_key(Identifier(IdentifierType.EMAIL, "ann@b.test")) == "p" + mac[:24]
