"""Runs expectations with Great Expectations, in memory, and takes everything personal out of what it answers."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd

from rtp.quality.privacy import shows_values
from rtp.quality.result import CheckResult, Key, Severity
from rtp.quality.suite import Expect, TableSuite

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

MOST_KEYS = 20
KL = "expect_column_kl_divergence_to_be_less_than"


class Checked(msgspec.Struct, frozen=True):
    """A result as a plain value, and as Great Expectations has it for its Data Docs; both without personal values."""

    result: CheckResult
    validation: Any


class Runner:
    """An ephemeral context: nothing on disk, nothing sent anywhere."""

    def __init__(self) -> None:
        import great_expectations as gx

        # Its log quotes values when an expectation cannot be evaluated; the result says that it could not.
        logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
        self._context = gx.get_context(mode="ephemeral")
        self._context.enable_analytics(False)
        self._context.variables.progress_bars = {"globally": False}
        self._source = self._context.data_sources.add_pandas("quality")
        self._batches = 0

    def run(
        self, suite: TableSuite, expects: Sequence[Expect], frame: pd.DataFrame, key: Sequence[str], rows: int
    ) -> list[Checked]:
        """Puts `expects` to `frame`, whose rows `key` names; `rows` is how many the table has. In their order."""
        if not expects:
            return []
        import great_expectations as gx

        self._batches += 1
        asset = self._source.add_dataframe_asset(f"{suite.layer}.{suite.table}.{self._batches}")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        made = [_made(expect, position) for position, expect in enumerate(expects)]
        answer = batch.validate(
            gx.ExpectationSuite(name=f"{suite.layer}.{suite.table}", expectations=made),
            result_format={
                "result_format": "SUMMARY",
                "unexpected_index_column_names": list(key),
                "partial_unexpected_count": MOST_KEYS,
            },
        )
        # Answers come in no particular order.
        answers = sorted(answer.results, key=lambda found: found.expectation_config.meta["at"])
        pairs = zip(expects, answers, strict=True)
        return [_checked(suite, expect, found, key, len(frame), rows) for expect, found in pairs]


def _made(expect: Expect, position: int) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl
    from great_expectations.expectations.row_conditions import Column

    among = {} if expect.floor is None else {"row_condition": Column(expect.kwargs["column_A"]) >= expect.floor}
    return get_expectation_impl(expect.name)(
        **expect.kwargs,
        **among,
        description=expect.description,
        meta={"at": position},
        severity="critical" if expect.severity is Severity.BLOCKING else "warning",
    )


def missing_column(suite: TableSuite, expect: Expect, column: str, rows: int) -> Checked:
    """The result of an expectation about a column that is not there."""
    return Checked(
        CheckResult(
            suite=suite.name,
            table=suite.table,
            expectation="expect_column_to_exist",
            column=column,
            passed=False,
            severity=expect.severity,
            description=expect.description,
            observed=f"there is no column {column}" + (f" (asked for at {expect.place})" if expect.place else ""),
            rows=rows,
            place=expect.place,
        ),
        None,
    )


def _checked(
    suite: TableSuite, expect: Expect, found: "ExpectationValidationResult", key: Sequence[str], checked: int, rows: int
) -> Checked:
    raw = dict(found.result)
    keys = _keys(raw, key)
    shown = shows_values(expect.columns)
    result = CheckResult(
        suite=suite.name,
        table=suite.table,
        expectation=expect.name,
        column=", ".join(column for column in expect.columns if column != "delivery"),
        passed=bool(found.success),
        severity=expect.severity,
        description=expect.description,
        observed=_observed(found, raw, shown),
        unexpected_count=int(raw.get("unexpected_count") or 0),
        failing_keys=() if found.success else keys,
        checked=checked,
        rows=rows,
        place=expect.place,
    )
    return Checked(result, _cleaned(found, raw, result, shown))


def _keys(raw: dict[str, Any], key: Sequence[str]) -> tuple[Key, ...]:
    listed = raw.get("partial_unexpected_index_list") or []
    rows = [{name: _text(row[name]) for name in key if name in row} for row in listed[:MOST_KEYS]]
    return tuple(line for row in rows for line in _lines(row))[:MOST_KEYS]


def _lines(row: Key) -> list[Key]:
    """A row about several refused lines as one key per line."""
    if "lines" not in row:
        return [row]
    rest = {name: value for name, value in row.items() if name not in {"lines", "delivery"}}
    return [{**rest, "_row": line} for line in row["lines"].split()]


def _text(value: object) -> str:
    return "" if value is None or value is pd.NaT or value != value else str(value)  # noqa: PLR0124  (NaN)


def _observed(found: "ExpectationValidationResult", raw: dict[str, Any], shown: bool) -> str:
    failure = _exception(found)
    if failure:
        return f"could not be evaluated ({failure})"
    if found.expectation_config.type == KL and raw.get("observed_value") is not None:
        return f"divergence {raw['observed_value']:.3g}"
    if raw.get("observed_value") is not None:
        return _figure(raw["observed_value"]) if shown else "not shown: may be personal"
    if not raw.get("unexpected_count") or not raw.get("element_count"):
        return ""
    told = f"{raw['unexpected_count']:,} of {raw['element_count']:,} rows do not hold"
    values = [entry["value"] for entry in raw.get("partial_unexpected_counts", [])] if shown else []
    if not values or isinstance(values[0], tuple | dict) or _text(values[0]) == "":
        return told
    return _figure(values[0]) if raw["element_count"] == 1 else f"{told}, such as {_figure(values[0])}"


def _figure(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _exception(found: "ExpectationValidationResult") -> str:
    """The kind of the exception; its text may quote a value."""
    info = found.exception_info or {}
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    raised = [entry for entry in entries if entry.get("raised_exception")]
    if not raised:
        return ""
    last = str(raised[0].get("exception_traceback") or "").strip().splitlines()[-1:]
    return last[0].split(":", maxsplit=1)[0].rsplit(".", maxsplit=1)[-1] if last else "error"


_COUNTS = ("element_count", "unexpected_count", "unexpected_percent", "unexpected_percent_total",
           "unexpected_percent_nonmissing", "missing_count", "missing_percent")  # fmt: skip


def _cleaned(
    found: "ExpectationValidationResult", raw: dict[str, Any], result: CheckResult, shown: bool
) -> "ExpectationValidationResult":
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

    kept = {name: raw[name] for name in _COUNTS if name in raw and "unexpected_percent" in raw}
    if shown and raw.get("observed_value") is not None:
        kept["observed_value"] = raw["observed_value"]
    elif "unexpected_percent" not in raw:
        kept["observed_value"] = result.observed
    # The pages list these as "sampled unexpected values": the rows by their keys, never the values.
    kept["partial_unexpected_list"] = [", ".join(f"{k}={v}" for k, v in row.items()) for row in result.failing_keys]
    config = found.expectation_config
    if not found.success and "unexpected_percent" not in raw:
        # The pages have no room for the figure of a comparison, only for a chart of its values.
        config.description = f"{result.description}: {result.observed}"
    return ExpectationValidationResult(success=found.success, expectation_config=config, result=kept, meta={})
