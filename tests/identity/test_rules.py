from rtp.identity.rules import LinkPlan, Owner, plan_link
from rtp.identity.types import Identifier, IdentifierType

USER, OTHER_USER = Identifier(IdentifierType.USER_ID, "u1"), Identifier(IdentifierType.USER_ID, "u2")
EMAIL = Identifier(IdentifierType.EMAIL, "a@b.example")
DEVICE = Identifier(IdentifierType.ANONYMOUS_ID, "a1")
ANN, BOB, BY_EMAIL, STRANGER = Owner(0, "c-ann"), Owner(0, "c-bob"), Owner(1, "c-email"), Owner(5, "c-device")


def test_a_login_takes_the_device_along() -> None:
    plan = plan_link([USER, DEVICE], {USER: ANN, DEVICE: STRANGER})
    assert plan == LinkPlan(ANN, merged=(STRANGER,), attached=(USER, DEVICE))


def test_the_stronger_name_survives_whoever_is_named_first() -> None:
    assert plan_link([EMAIL, DEVICE], {EMAIL: BY_EMAIL, DEVICE: ANN}).survivor == ANN


def test_an_unknown_identifier_is_attached() -> None:
    assert plan_link([USER, EMAIL], {USER: ANN}) == LinkPlan(ANN, attached=(USER, EMAIL))


def test_a_second_user_id_moves_the_device_and_merges_nobody() -> None:
    plan = plan_link([OTHER_USER, DEVICE], {OTHER_USER: BOB, DEVICE: ANN})
    assert plan == LinkPlan(BOB, attached=(OTHER_USER,), moved=(DEVICE,))


def test_an_email_shared_by_two_users_stays_with_its_first_owner() -> None:
    plan = plan_link([OTHER_USER, EMAIL], {OTHER_USER: BOB, EMAIL: ANN})
    assert plan == LinkPlan(BOB, attached=(OTHER_USER,))


def test_without_a_user_id_the_strongest_identifier_says_who_is_meant() -> None:
    plan = plan_link([EMAIL, DEVICE], {EMAIL: ANN, DEVICE: BOB})
    assert plan == LinkPlan(ANN, attached=(EMAIL,), moved=(DEVICE,))


def test_three_customers_become_the_strongest_one() -> None:
    loyalty = Identifier(IdentifierType.LOYALTY_ID, "L1")
    by_loyalty = Owner(3, "c-loyalty")
    plan = plan_link([EMAIL, loyalty, DEVICE], {EMAIL: BY_EMAIL, loyalty: by_loyalty, DEVICE: STRANGER})
    assert plan == LinkPlan(BY_EMAIL, merged=(by_loyalty, STRANGER), attached=(EMAIL, loyalty, DEVICE))
