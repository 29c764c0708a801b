"""What a check found, as plain values that any caller can read, print or store."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

Key = dict[str, str]
"""What names one failing row, without personal values: for example `{"order_id": "7", "line_id": "1"}`."""


class Severity(StrEnum):
    """What a failed check does."""

    BLOCKING = "blocking"
    """Nothing downstream is built; the last good data goes on being served."""
    WARNING = "warning"
    """It is reported, and the build goes on."""


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation on one table, judged.

    `observed` and `failing_keys` never hold personal values. `failing_keys` names at most 20 rows;
    `unexpected_count` counts all failing rows among the `checked` ones (a large table is sampled, docs/quality.md).
    """

    suite: str
    """`feeds/<table>` or `marts/<table>`."""
    table: str
    expectation: str
    column: str
    passed: bool
    severity: Severity
    description: str
    observed: str = ""
    unexpected_count: int = 0
    failing_keys: tuple[Key, ...] = ()
    checked: int = 0
    rows: int = 0
    place: str = ""
    """The config file and line that ask for it; empty for what is in code."""

    @property
    def blocks(self) -> bool:
        """Whether this result stops the build."""
        return not self.passed and self.severity is Severity.BLOCKING


def blocking(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """The results that stop a build."""
    return tuple(result for result in results if result.blocks)


def by_suite(results: Iterable[CheckResult]) -> dict[str, list[CheckResult]]:
    """Results under the name of their suite, in the order in which they came."""
    grouped: dict[str, list[CheckResult]] = {}
    for result in results:
        grouped.setdefault(result.suite, []).append(result)
    return grouped
