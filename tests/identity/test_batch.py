from hypothesis import given
from hypothesis import strategies as st

from rtp.identity.batch import IdentityLinks, resolve, united
from rtp.identity.types import Identifier, IdentifierType
from tests.making import KEYS

Row = tuple[str, str, str | None, str | None, str | None, str | None]
COLUMNS = ("source", "customer_ref", "user_id", "email", "phone", "loyalty_id")


def links(*rows: Row, refs: tuple[tuple[str, str], ...] = ()) -> IdentityLinks:
    columns = {name: [row[index] for row in rows] for index, name in enumerate(COLUMNS)}
    return resolve(columns, refs, KEYS)


def customers(*rows: Row) -> dict[str, str]:
    return {f"{source}:{ref}": customer for source, ref, customer in links(*rows).customers}


def test_sources_that_share_an_identifier_speak_of_one_customer() -> None:
    found = customers(
        ("pos", "1", None, None, None, "L1"),
        ("shop", "a", "u1", "Ann@Shop.example", None, "L1"),
        ("crm", "9", None, "ann@shop.example ", "+12015550123", None),
        ("app", "7", None, None, "(201) 555-0123", None),
        ("pos", "2", None, None, None, "L2"),
    )
    assert len({found[each] for each in ("pos:1", "shop:a", "crm:9", "app:7")}) == 1
    assert found["pos:1"] == KEYS.customer_id(Identifier(IdentifierType.USER_ID, "u1"))
    assert found["pos:2"] == KEYS.customer_id(Identifier(IdentifierType.LOYALTY_ID, "L2"))


def test_a_reference_without_a_customer_row_is_a_customer_of_its_own() -> None:
    found = links(refs=(("pos", "17"),))
    name = KEYS.customer_id(Identifier(IdentifierType.CUSTOMER_REF, "pos:17"))
    assert found.customers == [("pos", "17", name)]
    assert found.identifiers == [("customer_ref", "pos:17", name, "pos")]


def test_values_that_stand_for_nobody_join_nobody() -> None:
    found = customers(("a", "1", None, "null", "0", None), ("a", "2", None, "null", "0", None))
    assert len(set(found.values())) == 2


def test_two_user_ids_stay_two_customers_whatever_they_share() -> None:
    found = links(
        ("shop", "a", "u1", "home@shop.example", None, None),
        ("shop", "b", "u2", "home@shop.example", None, "L2"),
        ("pos", "c", None, None, None, "L2"),
    )
    by_ref = {ref: customer for _, ref, customer in found.customers}
    u1, u2 = (KEYS.customer_id(Identifier(IdentifierType.USER_ID, name)) for name in ("u1", "u2"))
    assert by_ref == {"a": u1, "b": u2, "c": u2}
    shared = [row for row in found.identifiers if row[1] == "home@shop.example"]
    assert [row[2] for row in shared] == [u1]


def test_no_feed_at_all_is_no_customer() -> None:
    assert links() == IdentityLinks([], [])


IDS = st.sampled_from(["1", "2", "3", "4", "5", "6"])
MAYBE = st.none() | IDS
ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), IDS, MAYBE, MAYBE.map(lambda v: v and f"e{v}@x.example"), st.none(), MAYBE),
    max_size=12,
)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_no_customer_has_two_user_ids(rows: list[Row], random: object) -> None:
    found = links(*rows)
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert links(*shuffled) == found
    users: dict[str, set[str]] = {}
    for kind, value, customer, _ in found.identifiers:
        if kind == "user_id":
            users.setdefault(customer, set()).add(value)
    assert all(len(each) == 1 for each in users.values())
    assert len({(kind, value) for kind, value, *_ in found.identifiers}) == len(found.identifiers)


def test_what_a_human_took_apart_is_not_made_one_again() -> None:
    rows: tuple[Row, ...] = (
        ("shop", "a", "u1", "home@shop.example", None, None),
        ("pos", "b", None, "home@shop.example", None, "L2"),
        ("crm", "c", None, None, None, "L2"),
    )
    columns = {name: [row[index] for row in rows] for index, name in enumerate(COLUMNS)}
    one, other = Identifier(IdentifierType.USER_ID, "u1"), Identifier(IdentifierType.LOYALTY_ID, "L2")
    apart = (KEYS.customer_id(one), KEYS.customer_id(other))
    together, parted = resolve(columns, (), KEYS), resolve(columns, (), KEYS, apart=[apart])
    assert len({customer for *_, customer in together.customers}) == 1
    assert len({customer for kind, value, customer, _ in parted.identifiers if value in {"u1", "L2"}}) == 2
    assert parted.apart == (apart,)
    assert resolve(columns, (), KEYS, apart=[(apart[0], "cnobody")]) == together


def test_customers_made_one_have_the_name_that_survives_live() -> None:
    before = links(
        ("pos", "1", None, None, None, "L1"),
        ("crm", "9", None, "ann@shop.example", None, None),
        ("x", "y", "u", None, None, None),
    )
    name = {ref: customer for _, ref, customer in before.customers}
    after = united(before, [(name["1"], name["9"])])
    assert {ref: customer for _, ref, customer in after.customers} == name | {"1": name["9"]}
    assert {customer for _, value, customer, _ in after.identifiers if value == "L1"} == {name["9"]}
    assert united(before, []) == before
