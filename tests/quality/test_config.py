"""A retailer moves thresholds and adds expectations in config/quality; mistakes are told with line and suggestion."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from rtp.errors import Fatal
from rtp.quality.config import load_quality_config
from rtp.quality.gate import QualityGate
from rtp.quality.result import Severity, blocking
from rtp.settings import Settings, checkout_root
from rtp.wiring import quality_gate
from tests.quality.conftest import NOW, Deliver

WriteConfig = Callable[[str], None]
PART = "FROM sample WHERE _row % 3 = 0"


@pytest.fixture
def with_config(settings: Settings, tmp_path: Path) -> Callable[[str], QualityGate]:
    """A gate whose config folder holds one file with this text."""

    def made(text: str) -> QualityGate:
        folder = tmp_path / "config" / "quality"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mine.yaml").write_text(text)
        return quality_gate(msgspec.structs.replace(settings, config_dir=tmp_path / "config"))

    return made


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("feeds:\n  order_linse:\n    max_drift: 1\n", ":2: there is no table 'order_linse'", "'order_lines'"),
        ("feeds:\n  order_lines:\n    max_drfit: 1\n", ":3: .*unknown field `max_drfit`", "'max_drift'"),
        ("feeds:\n  order_lines:\n    max_missing: {store_id: 1.5}\n", ":3: .*<= 1", ""),
        ("feeds:\n  order_lines:\n    warn_only: [drfit]\n", ":3: .*'drfit'", "'drift'"),
        ("feeds:\n  order_lines:\n    ranges:\n      quantity: {min: 5, max: 1}\n", ":4: min 5 is larger", ""),
        ("feeds:\n  customers:\n    drift: [emial]\n", ":3: .*may be personal", "Known"),
        (
            "feeds:\n  products:\n    expectations:\n      - expect: expect_column_values_to_match_regexp\n",
            ":4: there is no expectation",
            "'expect_column_values_to_match_regex'",
        ),
        (
            "feeds:\n  products:\n    expectations:\n      - expect: expect_column_values_to_match_regex\n"
            "        column: name\n        regx: a\n",
            ":6: .* has no argument 'regx'",
            "'regex'",
        ),
        (
            "feeds:\n  products:\n    expectations:\n      - expect: expect_column_values_to_match_regex\n"
            "        column: name\n        regex: a\n        mostly: 3\n",
            ":7: .*mostly",
            "Arguments",
        ),
        (
            "feeds:\n  products:\n    expectations:\n      - column: name\n",
            ":4: an expectation needs",
            "docs/quality.md",
        ),
        (
            "feeds:\n  products:\n    expectations:\n      - expect: expect_table_row_count_to_be_between\n",
            ":4: .*cannot be used",
            "min_rows",
        ),
        (
            "feeds:\n  products:\n    expectations:\n      - expect: expect_column_values_to_not_be_null\n"
            "        column: name\n        severity: blokcing\n",
            ":6: there is no severity",
            "'blocking'",
        ),
    ],
)
def test_a_mistake_names_line_and_what_was_meant(
    with_config: Callable[[str], QualityGate], text: str, message: str, hint: str
) -> None:
    with pytest.raises(Fatal, match=message) as caught:
        with_config(text)
    assert hint in caught.value.hint


@pytest.mark.usefixtures("accepted")
def test_a_moved_threshold_changes_the_verdict(with_config: Callable[[str], QualityGate], deliver: Deliver) -> None:
    deliver("order_lines", f"SELECT * REPLACE ('ads' AS channel) {PART}")
    assert blocking(with_config("").check_feeds(NOW, ["order_lines"]))
    moved = with_config("feeds: {order_lines: {max_drift: 100}}").check_feeds(NOW, ["order_lines"])
    assert all(result.passed for result in moved)
    warned = with_config("feeds: {order_lines: {warn_only: [drift]}}").check_feeds(NOW, ["order_lines"])
    (failed,) = [result for result in warned if not result.passed]
    assert failed.severity is Severity.WARNING
    assert not blocking(warned)


@pytest.mark.usefixtures("accepted")
def test_a_tightened_threshold_is_put_to_feeds_that_were_accepted_before(
    with_config: Callable[[str], QualityGate],
) -> None:
    assert not blocking(with_config("").check_feeds(NOW, ["order_lines"]))
    tightened = with_config("feeds: {order_lines: {max_missing: {customer_ref: 0.01}}}")
    assert [one.column for one in blocking(tightened.check_feeds(NOW, ["order_lines"]))] == ["customer_ref"]


@pytest.mark.usefixtures("accepted")
def test_an_expectation_for_a_column_of_their_own_is_judged(
    with_config: Callable[[str], QualityGate], deliver: Deliver
) -> None:
    """A column beyond the contract, a key of customers.attributes, and a column that nobody delivers."""
    deliver("products", "SELECT *, if(_row = 9, 'x', 'D' || _row) AS dispo_code FROM sample")
    gate = with_config("""
feeds:
  products:
    expectations:
      - expect: expect_column_values_to_match_regex
        column: dispo_code
        regex: ^D[0-9]+$
        describe: dispo codes are D and digits
      - expect: expect_column_values_to_be_in_set
        column: shelf
        value_set: [A, B]
        severity: warning
  customers:
    expectations:
      - expect: expect_column_values_to_be_in_set
        column: attributes.diet
        value_set: [any, vegetarian, vegan]
      - expect: expect_column_values_to_be_in_set
        column: attributes.diet
        value_set: [any]
        mostly: 0.99
""")
    products = [result for result in gate.check_feeds(NOW, ["products"], everything=True) if not result.passed]
    assert [(result.description, result.expectation) for result in products] == [
        ("dispo codes are D and digits", "expect_column_values_to_match_regex"),
        ("shelf: column values to be in set", "expect_column_to_exist"),
    ]
    assert [key["_row"] for key in products[0].failing_keys] == ["9"]
    assert "mine.yaml:9" in products[1].observed
    customers = [one for one in gate.check_feeds(NOW, ["customers"]) if one.column == "attributes.diet"]
    assert [result.passed for result in customers] == [True, False]
    assert "vegan" not in customers[1].observed


def test_the_config_that_is_shipped_is_valid() -> None:
    assert load_quality_config(checkout_root() / "config" / "quality").feeds["order_lines"].min_rows == 1
