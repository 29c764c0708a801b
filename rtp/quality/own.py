"""A retailer's own expectation: any of Great Expectations' that looks at columns, by its registered name."""

from pathlib import Path
from typing import Any

from rtp.quality.result import Severity
from rtp.quality.suite import Expect
from rtp.yaml_config import did_you_mean, mistake

_OURS = ("expect", "severity", "describe")

_ELSEWHERE = {
    **dict.fromkeys(
        (
            "expect_table_row_count_to_be_between",
            "expect_table_row_count_to_equal",
            "expect_table_row_count_to_equal_other_table",
        ),
        "Set min_rows or max_row_drop instead.",
    ),
    **dict.fromkeys(
        ("expect_query_results_to_match_comparison", "unexpected_rows_expectation"),
        "Queries are not run here; write a dbt test.",
    ),
    **dict.fromkeys(
        (
            "expect_table_columns_to_match_ordered_list",
            "expect_table_columns_to_match_set",
            "expect_table_column_count_to_equal",
            "expect_table_column_count_to_be_between",
        ),
        "The contract of the table checks its columns.",
    ),
}
"""They ask about the table as a whole, of which an expectation sees a sample of rows and the needed columns."""

_INTERNAL = {
    "id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content", "windows",
    "batch_id", "row_condition", "condition_parser", "severity",
}  # fmt: skip


def own_expectation(written: dict[str, Any], path: Path, at: list[str | int]) -> Expect:
    """One entry of an `expectations:` list; raises Fatal with its line for anything Great Expectations refuses."""
    if "expect" not in written:
        raise mistake(path, at, "an expectation needs `expect: expect_…`.", hint="docs/quality.md has examples.")
    name = _registered(written["expect"], path, at)
    severity = written.get("severity", Severity.BLOCKING.value)
    if severity not in set(Severity):
        hint = did_you_mean(str(severity), list(Severity))
        raise mistake(path, [*at, "severity"], f"there is no severity {severity!r}.", hint=hint)
    kwargs = {key: value for key, value in written.items() if key not in _OURS}
    _check_arguments(name, kwargs, path, at)
    described = str(written.get("describe") or _describe(name, kwargs))
    place = str(mistake(path, at, "").message).rstrip(": ")
    return Expect(name=name, kwargs=kwargs, description=described, severity=Severity(severity), place=place)


def _registered(name: object, path: Path, at: list[str | int]) -> str:
    # Takes seconds: only a config that has expectations of its own pays for it at load.
    import great_expectations.expectations  # noqa: F401  (registers them)
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    known = set(list_registered_expectation_implementations())
    if name in _ELSEWHERE:
        raise mistake(path, [*at, "expect"], f"{name} cannot be used here.", hint=_ELSEWHERE[str(name)])
    if name not in known:
        hint = did_you_mean(str(name), known - set(_ELSEWHERE))
        raise mistake(path, [*at, "expect"], f"there is no expectation {name!r}.", hint=hint)
    return str(name)


def _check_arguments(name: str, kwargs: dict[str, Any], path: Path, at: list[str | int]) -> None:
    from great_expectations.expectations.registry import get_expectation_impl

    implementation = get_expectation_impl(name)
    fields = set(implementation.__fields__) - _INTERNAL
    for key in kwargs:
        if key not in fields:
            hint = did_you_mean(key, fields | set(_OURS))
            raise mistake(path, [*at, key], f"{name} has no argument {key!r}.", hint=hint)
    try:
        implementation(**kwargs)
    except ValueError as error:  # pydantic's ValidationError is one
        first = error.errors()[0] if hasattr(error, "errors") else {"loc": (), "msg": str(error)}
        where = [str(part) for part in first["loc"] if part != "__root__"]
        what = f"{name}: {'.'.join(where) + ': ' if where else ''}{first['msg']}."
        raise mistake(path, [*at, *where[:1]], what, hint=f"Arguments: {', '.join(sorted(fields))}.") from error


def _describe(name: str, kwargs: dict[str, Any]) -> str:
    named = [kwargs[key] for key in ("column", "column_A", "column_B", "column_list") if key in kwargs]
    return f"{', '.join(map(str, named))}: {name.removeprefix('expect_').replace('_', ' ')}".strip(": ")
