from pathlib import Path

import pytest

from rtp.errors import Fatal
from rtp.identity.config import IdentityRules, load_identity_rules
from rtp.identity.normalize import normalize
from rtp.identity.types import IdentifierType
from rtp.settings import checkout_root

SHIPPED = checkout_root() / "config" / "identity.yaml"


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = SHIPPED.read_text()
    assert text.count(old) == 1
    file = tmp_path / "identity.yaml"
    file.write_text(text.replace(old, new))
    return file


def test_the_shipped_file_holds_the_rules_that_tests_use() -> None:
    shipped, default = load_identity_rules(SHIPPED, region="US"), IdentityRules()
    assert shipped.spelling == default.spelling
    assert (shipped.priority, shipped.tell_apart) == (default.priority, default.tell_apart)
    assert {kind: limit.limit for kind, limit in shipped.limits.items() if kind != IdentifierType.CUSTOMER_REF} == {
        kind: 1 if kind == IdentifierType.USER_ID else 5
        for kind in IdentifierType
        if kind != IdentifierType.CUSTOMER_REF
    }


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("loyalty_id: {limit: 5}", "loyality_id: {limit: 5}", 11, "Did you mean 'loyalty_id'?"),
        ("phone: {limit: 5}", "phone: {limt: 5}", 10, "Did you mean 'limit'?"),
        ("user_id: {limit: 1}", "user_id: {limit: 0}", 8, "Expected `int` >= 1"),
        ("  card: {limit: 5}\n", "", 7, "card is missing"),
        ("  user_id: {limit: 1}\n  email: {limit: 5}\n", "  email: {limit: 5}\n  user_id: {limit: 1}\n", 7, "first"),
        ("loyalty_id, card]", "loyalty_id, device]", 19, "A device is no person's"),
        ("'^[0-]*$'", "'^[0-*$'", 24, "Not a pattern"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(
    tmp_path: Path, old: str, new: str, line: int, told: str
) -> None:
    with pytest.raises(Fatal) as caught:
        load_identity_rules(changed(tmp_path, old, new), region="US")
    assert told in str(caught.value)
    assert f"identity.yaml:{line}:" in str(caught.value)


def test_what_the_file_blocks_stands_for_nobody(tmp_path: Path) -> None:
    rules = load_identity_rules(changed(tmp_path, "values: [", "values: [Walk-In, "), region="US")
    assert normalize(IdentifierType.LOYALTY_ID, "walk-in", spelling=rules.spelling) is None
    assert normalize(IdentifierType.LOYALTY_ID, "walk-in") is not None
