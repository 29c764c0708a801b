"""Broken feeds stop at the gate, by the right expectation and with the keys of the rows at fault; good ones pass."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from rtp.quality.gate import QualityGate
from rtp.quality.result import CheckResult, blocking
from tests.quality.conftest import NOW, Deliver

NewGate = Callable[[], QualityGate]
pytestmark = pytest.mark.usefixtures("accepted")

PART = "FROM sample WHERE _row % 3 = 0"


def only(results: tuple[CheckResult, ...]) -> CheckResult:
    """The one check that failed."""
    (failed,) = [result for result in results if not result.passed]
    return failed


def test_a_second_good_delivery_passes_and_only_it_is_looked_at(deliver: Deliver, new_gate: NewGate) -> None:
    deliver("order_lines", f"SELECT * REPLACE ('9' || order_id AS order_id) {PART}")
    results = new_gate().check_feeds(NOW)
    assert blocking(results) == ()
    assert {
        result.rows for result in results if result.expectation == "expect_column_kl_divergence_to_be_less_than"
    } == {2178}


def test_missing_amounts_are_caught_with_the_lines_they_miss_in(deliver: Deliver, new_gate: NewGate) -> None:
    deliver("order_lines", f"SELECT * REPLACE (if(_row % 30 = 0, NULL, net_amount) AS net_amount) {PART}")
    failed = only(new_gate().check_feeds(NOW, ["order_lines"]))
    assert (failed.expectation, failed.column, failed.blocks) == (
        "expect_column_values_to_not_be_null",
        "net_amount",
        True,
    )
    assert failed.unexpected_count == 217
    assert {int(key["_row"]) % 30 for key in failed.failing_keys} == {0}
    assert set(failed.failing_keys[0]) == {"order_id", "line_id", "_file", "_row"}


def test_customers_missing_more_often_than_in_the_accepted_feed_are_caught(deliver: Deliver, new_gate: NewGate) -> None:
    deliver("order_lines", f"SELECT * REPLACE (if(_row % 2 = 0, NULL, customer_ref) AS customer_ref) {PART}")
    failed = only(new_gate().check_feeds(NOW, ["order_lines"]))
    assert (failed.expectation, failed.column) == ("expect_column_values_to_not_be_null", "customer_ref")


def test_amounts_in_cents_instead_of_units_are_caught_as_drift(deliver: Deliver, new_gate: NewGate) -> None:
    deliver("order_lines", f"SELECT * REPLACE ((net_amount * 100)::DECIMAL(12,2) AS net_amount) {PART}")
    failed = only(new_gate().check_feeds(NOW, ["order_lines"]))
    assert (failed.expectation, failed.column) == ("expect_column_kl_divergence_to_be_less_than", "net_amount")


def test_sales_that_all_come_from_one_channel_are_caught_as_drift(deliver: Deliver, new_gate: NewGate) -> None:
    deliver("order_lines", f"SELECT * REPLACE ('ads' AS channel) {PART}")
    failed = only(new_gate().check_feeds(NOW, ["order_lines"]))
    assert (failed.expectation, failed.column) == ("expect_column_kl_divergence_to_be_less_than", "channel")


def test_repeated_lines_are_caught_with_their_keys(deliver: Deliver, new_gate: NewGate) -> None:
    deliver("order_lines", f"SELECT * {PART} UNION ALL SELECT * {PART} AND _row IN (300, 600)")
    failed = only(new_gate().check_feeds(NOW, ["order_lines"]))
    assert failed.expectation == "expect_compound_columns_to_be_unique"
    assert {key["_row"] for key in failed.failing_keys} == {"300", "600"}
    assert failed.unexpected_count == 4


def test_the_same_lines_in_a_later_delivery_are_a_correction_and_no_duplicate(
    deliver: Deliver, new_gate: NewGate
) -> None:
    deliver("order_lines", f"SELECT * {PART}")
    assert blocking(new_gate().check_feeds(NOW, ["order_lines"])) == ()


def test_a_feed_that_stopped_coming_is_caught_by_its_age(new_gate: NewGate) -> None:
    failed = only(new_gate().check_feeds(NOW + timedelta(days=16), ["order_lines"]))
    assert (failed.column, failed.blocks) == ("hours_since_newest", True)
    assert float(failed.observed) == pytest.approx(16 * 24 + 3, abs=24)


def test_orders_from_the_future_are_caught(deliver: Deliver, new_gate: NewGate) -> None:
    deliver("order_lines", f"SELECT * REPLACE (ordered_at + INTERVAL 300 DAY AS ordered_at) {PART}")
    assert only(new_gate().check_feeds(NOW, ["order_lines"])).column == "hours_since_newest"


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (f"SELECT * REPLACE (net_amount::VARCHAR AS net_amount) {PART}", "VARCHAR"),
        (f"SELECT * EXCLUDE (net_amount) {PART}", "missing"),
    ],
)
def test_a_column_of_the_wrong_type_or_none_is_caught_by_file_and_column(
    deliver: Deliver, new_gate: NewGate, sql: str, found: str
) -> None:
    deliver("order_lines", sql)
    failed = only(new_gate().check_feeds(NOW, ["order_lines"]))
    assert failed.expectation == "expect_column_pair_values_to_be_equal"
    (key,) = failed.failing_keys
    assert key["column"] == "net_amount"
    assert (key["_file"], key["expected"], key["found"]) == ("order_lines.csv", "DECIMAL(12,2)", found)


def test_a_file_that_is_no_parquet_is_caught_and_not_raised(deliver: Deliver, new_gate: NewGate) -> None:
    deliver("products", "SELECT * FROM sample").with_name("broken.parquet").write_bytes(b"half a file")
    failed = only(new_gate().check_feeds(NOW, ["products"]))
    assert {key["found"] for key in failed.failing_keys} == {"not a Parquet file"}


def test_a_feed_that_never_came_is_caught_if_it_is_needed(new_gate: NewGate, deliver: Deliver) -> None:
    for path in deliver("products", "SELECT * FROM sample").parent.glob("*"):
        path.unlink()
    assert only(new_gate().check_feeds(NOW, ["products"])).column == "rows"


@pytest.mark.parametrize(
    ("reason", "column"),
    [
        ("NOT_AN_AMOUNT", "type_share"),
        ("MISSING_VALUE", "missing_share"),
        ("DUPLICATE_KEY", "duplicate_share"),
        ("RETURNED_MORE_THAN_SOLD", "other_share"),
    ],
)
def test_a_file_of_which_the_load_refused_many_rows_is_caught_with_their_lines(
    deliver: Deliver, new_gate: NewGate, reason: str, column: str
) -> None:
    path = deliver("products", "SELECT * FROM sample LIMIT 110")
    quarantine = path.parents[2] / "quarantine" / "products" / path.name
    quarantine.parent.mkdir(parents=True)
    refused = f"SELECT _row AS row, '{reason}' AS reason, 'list_price' AS \"column\", _file FROM sample OFFSET 110"
    deliver("products", refused).rename(quarantine)
    failed = only(new_gate().check_feeds(NOW, ["products"]))
    assert (failed.column, failed.observed) == (column, "0.0833333")
    assert failed.failing_keys[0] == {
        "_file": "products.jsonl",
        "reason": reason,
        "column": "list_price",
        "_row": "112",
    }
    assert len(failed.failing_keys) == 10


def test_what_failed_is_not_accepted_and_what_came_after_the_check_is_not_either(
    deliver: Deliver, new_gate: NewGate
) -> None:
    bad = deliver("order_lines", f"SELECT * REPLACE (NULL::VARCHAR AS product_id) {PART}")
    gate = new_gate()
    assert blocking(gate.check_feeds(NOW, ["order_lines"]))
    assert gate.accept(NOW, ["order_lines"]) == ()
    bad.unlink()
    assert not blocking(gate.check_feeds(NOW, ["order_lines"]))
    deliver("order_lines", f"SELECT * REPLACE (NULL::VARCHAR AS product_id) {PART}")
    assert gate.accept(NOW, ["order_lines"]) == ("order_lines",)
    assert blocking(new_gate().check_feeds(NOW, ["order_lines"])), "the late file was never looked at"


def test_files_that_came_after_the_check_are_checked_before_they_count(deliver: Deliver, new_gate: NewGate) -> None:
    gate = new_gate()
    assert not blocking(gate.check_feeds(NOW))
    assert gate.check_late(NOW) == (), "nothing came"
    good = deliver("products", "SELECT * REPLACE ('N' || product_id AS product_id) FROM sample")
    assert {result.table for result in gate.check_late(NOW)} == {"products"}
    deliver("order_lines", f"SELECT * REPLACE (NULL::VARCHAR AS product_id) {PART}")
    assert {result.table for result in blocking(gate.check_late(NOW))} == {"order_lines"}
    assert good.name not in {path.name for path in gate.accepted_files("products")}
    gate.accept(NOW)
    assert good.name in {path.name for path in gate.accepted_files("products")}


def test_a_change_declared_real_is_what_later_feeds_are_compared_with(deliver: Deliver, new_gate: NewGate) -> None:
    dearer = f"SELECT * REPLACE ((net_amount * 3)::DECIMAL(12,2) AS net_amount) {PART}"
    deliver("order_lines", dearer)
    assert blocking(new_gate().check_feeds(NOW, ["order_lines"]))
    new_gate().accept_as_it_is(NOW, ["order_lines"])
    assert blocking(new_gate().check_feeds(NOW, ["order_lines"])) == ()


def test_one_broken_row_among_many_is_found_though_the_table_is_sampled(deliver: Deliver, new_gate: NewGate) -> None:
    deliver(
        "order_lines",
        "SELECT * REPLACE (CASE WHEN i = 7 AND _row = 500 THEN NULL ELSE net_amount END AS net_amount, "
        "order_id || '-' || i AS order_id) FROM sample, range(20) r(i) "
        "UNION ALL SELECT * REPLACE (order_id || '-3' AS order_id), 3 FROM sample WHERE _row = 900",
    )
    gate = new_gate()
    object.__setattr__(gate, "config", _sampling(gate, 10_000))
    failed = {result.expectation: result for result in gate.check_feeds(NOW, ["order_lines"]) if not result.passed}
    assert set(failed) == {"expect_column_values_to_not_be_null", "expect_compound_columns_to_be_unique"}
    missing = failed["expect_column_values_to_not_be_null"]
    assert (missing.rows, missing.failing_keys[0]["_row"]) == (130_681, "500")
    assert missing.checked < 20_000
    assert {key["_row"] for key in failed["expect_compound_columns_to_be_unique"].failing_keys} == {"900"}


def _sampling(gate: QualityGate, rows: int) -> object:
    import msgspec

    return msgspec.structs.replace(gate.config, sample_rows=rows)
