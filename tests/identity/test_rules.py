from rtp.identity.config import IdentityRules, Limit
from rtp.identity.rules import LinkPlan, Owner, most_at_once, plan_link
from rtp.identity.types import Identifier, IdentifierType

NOW = 1_000_000_000
DAY = 86_400_000_000
RULES = IdentityRules()
USER, OTHER_USER = Identifier(IdentifierType.USER_ID, "u1"), Identifier(IdentifierType.USER_ID, "u2")
EMAIL, OTHER_EMAIL = (Identifier(IdentifierType.EMAIL, f"{name}@shop.example") for name in "ab")
LOYALTY, OTHER_LOYALTY = (Identifier(IdentifierType.LOYALTY_ID, f"L{number}") for number in (1, 2))
DEVICE, TABLET = Identifier(IdentifierType.ANONYMOUS_ID, "a1"), Identifier(IdentifierType.DEVICE, "d1")


def owner(rank: int, name: str, *held: Identifier, **more: frozenset[str]) -> Owner:
    return Owner(rank, name, dict.fromkeys(held, NOW), **more)  # type: ignore[arg-type]


ANN, BOB = owner(0, "c-ann", USER), owner(0, "c-bob", OTHER_USER)
BY_EMAIL, STRANGER = owner(1, "c-email", EMAIL), owner(7, "c-device", DEVICE)


def plan(identifiers: list[Identifier], owners: dict[Identifier, Owner], rules: IdentityRules = RULES) -> LinkPlan:
    return plan_link(identifiers, owners, rules, at=NOW)


def test_a_login_takes_the_device_along() -> None:
    planned = plan([USER, DEVICE], {USER: ANN, DEVICE: STRANGER})
    assert planned == LinkPlan(ANN, merged=(STRANGER,), attached=(USER, DEVICE), via=USER)


def test_the_stronger_name_survives_whoever_is_named_first() -> None:
    assert plan([EMAIL, DEVICE], {EMAIL: BY_EMAIL, DEVICE: ANN}).survivor == ANN


def test_an_unknown_identifier_is_attached() -> None:
    assert plan([USER, EMAIL], {USER: ANN}).attached == (USER, EMAIL)


def test_a_second_user_id_shares_the_device_and_merges_nobody() -> None:
    planned = plan([OTHER_USER, DEVICE], {OTHER_USER: BOB, DEVICE: ANN})
    assert planned == LinkPlan(BOB, attached=(OTHER_USER,), shared=(DEVICE,), via=OTHER_USER)


def test_a_tablet_that_loyalty_cards_are_shown_to_merges_none_of_them() -> None:
    first, second = owner(3, "c-1", LOYALTY, TABLET), owner(3, "c-2", OTHER_LOYALTY)
    planned = plan([OTHER_LOYALTY, TABLET], {OTHER_LOYALTY: second, TABLET: first})
    assert (planned.survivor, planned.merged, planned.shared) == (second, (), (TABLET,))


def test_a_device_joins_two_people_only_if_nothing_tells_them_apart() -> None:
    loose = IdentityRules(tell_apart=frozenset({IdentifierType.USER_ID}))
    first, second = owner(1, "c-1", EMAIL, DEVICE), owner(1, "c-2", OTHER_EMAIL)
    owners = {OTHER_EMAIL: second, DEVICE: first}
    assert plan([OTHER_EMAIL, DEVICE], owners).shared == (DEVICE,)
    assert plan([OTHER_EMAIL, DEVICE], owners, loose).merged == (second,)


def test_an_email_shared_by_two_users_stays_with_its_first_owner() -> None:
    planned = plan([OTHER_USER, EMAIL], {OTHER_USER: BOB, EMAIL: ANN})
    assert (planned.attached, planned.left_out) == ((OTHER_USER,), ((EMAIL, "limit"),))


def test_without_a_user_id_the_strongest_identifier_says_who_is_meant() -> None:
    planned = plan([EMAIL, DEVICE], {EMAIL: ANN, DEVICE: BOB})
    assert (planned.survivor, planned.attached, planned.shared) == (ANN, (EMAIL,), (DEVICE,))


def test_three_customers_become_the_strongest_one() -> None:
    by_loyalty = owner(3, "c-loyalty", LOYALTY)
    planned = plan([EMAIL, LOYALTY, DEVICE], {EMAIL: BY_EMAIL, LOYALTY: by_loyalty, DEVICE: STRANGER})
    assert planned.survivor == BY_EMAIL
    assert planned.merged == (by_loyalty, STRANGER)


def test_an_identifier_over_the_limit_is_left_out() -> None:
    devices = [Identifier(IdentifierType.ANONYMOUS_ID, f"a{number}") for number in range(6)]
    full = owner(0, "c-ann", USER, *devices[:5])
    assert plan([USER, devices[5]], {USER: full}).left_out == ((devices[5], "limit"),)
    loner = owner(7, "c-6", devices[5])
    assert plan([USER, devices[5]], {USER: full, devices[5]: loner}).left_out == ((devices[5], "limit"),)


def test_only_what_was_first_seen_near_to_each_other_counts_for_a_limit_with_days() -> None:
    limit = Limit(limit=2, within_days=7)
    assert most_at_once([0, DAY, 9 * DAY, 10 * DAY], limit) == 2
    assert most_at_once([0, 6 * DAY, 7 * DAY], limit) == 3
    assert most_at_once([0, DAY, 9 * DAY], Limit(limit=2)) == 3


def test_a_kiosk_that_forgets_its_anonymous_id_each_week_does_not_collect_them_for_ever() -> None:
    rules = IdentityRules(limits=dict.fromkeys(IdentifierType, Limit(limit=5, within_days=7)))
    seen = {Identifier(IdentifierType.ANONYMOUS_ID, f"week{week}"): week * 8 * DAY for week in range(50)}
    kiosk = Owner(6, "c-kiosk", {TABLET: 0, **dict(list(seen.items())[:49])})
    *_, fiftieth = seen
    assert plan_link([TABLET, fiftieth], {TABLET: kiosk}, rules, at=seen[fiftieth]).left_out == ()
    full = Owner(6, "c-kiosk", {TABLET: 0, **seen})
    planned = plan_link([TABLET, DEVICE], {TABLET: full}, rules, at=999 * DAY)
    assert planned.left_out == ((DEVICE, "limit"),)


def test_priority_says_what_is_left_out_first() -> None:
    odd = IdentityRules(priority=RULES.priority | {IdentifierType.EMAIL: 9})  # type: ignore[operator]
    by_email, by_loyalty = owner(1, "c-e", EMAIL, USER), owner(3, "c-l", LOYALTY, OTHER_USER)
    owners = {EMAIL: by_email, LOYALTY: by_loyalty}
    assert plan([EMAIL, LOYALTY], owners).left_out == ((LOYALTY, "limit"),)
    assert plan([EMAIL, LOYALTY], owners, odd).left_out == ((EMAIL, "limit"),)


def test_who_was_set_apart_is_not_merged_whatever_they_have_gone_into_since() -> None:
    into_bob = owner(0, "c-bob", OTHER_USER, aliases=frozenset({"c-device"}), apart=frozenset({"c-ann"}))
    by_email = owner(1, "c-email", EMAIL, aliases=frozenset({"c-ann"}))
    planned = plan([OTHER_USER, EMAIL], {OTHER_USER: into_bob, EMAIL: by_email})
    assert (planned.merged, planned.left_out) == ((), ((EMAIL, "apart"),))


def test_an_identifier_that_was_taken_away_is_not_attached_again() -> None:
    ann = Owner(0, "c-ann", {USER: NOW}, refused=frozenset({DEVICE}))
    assert plan([USER, DEVICE], {USER: ann}).left_out == ((DEVICE, "apart"),)
