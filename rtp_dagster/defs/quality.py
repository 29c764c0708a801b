"""Quality: Great Expectations as blocking checks, on feeds before dbt and on marts before they are published."""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

from rtp import wiring
from rtp.clock import Clock
from rtp.quality.result import CheckResult, blocking
from rtp.settings import Settings
from rtp.signals.feeds import CONTRACTS
from rtp.stores.candidates import candidate_marts
from rtp_dagster.naming import WAREHOUSE_POOL, dbt_key, feed_key
from rtp_dagster.project import Project
from rtp_dagster.reporting import table
from rtp_dagster.translation import marts_of

NAME = "expectations"


def definitions(project: Project) -> dg.Definitions:
    """One check a table, which lists every expectation; a failed blocking one stops what comes after."""
    gate = wiring.quality_gate(project.settings)
    feeds = {feed_key(name): name for name in CONTRACTS if name in gate.config.feeds}
    marts = {dbt_key(name): name for name in marts_of(project.manifest) if name in gate.config.marts}
    return dg.Definitions(asset_checks=[_feed_checks(feeds), _mart_checks(marts)])


def _feed_checks(tables: dict[dg.AssetKey, str]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(name="check_feeds", specs=_specs(tables, "the loaded files"), can_subset=True)
    def check_feeds(
        context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
    ) -> Iterator[dg.AssetCheckResult]:
        chosen = _chosen(context, tables)
        results = wiring.quality_gate(settings).check_feeds(clock(), chosen.values())
        yield from _reported(chosen, results)

    return check_feeds


def _mart_checks(tables: dict[dg.AssetKey, str]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name="check_marts",
        specs=_specs(tables, "the mart before it is published"),
        can_subset=True,
        pool=WAREHOUSE_POOL,
    )
    def check_marts(
        context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
    ) -> Iterator[dg.AssetCheckResult]:
        chosen = _chosen(context, tables)
        with candidate_marts(settings, chosen.values()) as files:
            results = wiring.quality_gate(settings).check_marts(files, clock())
        yield from _reported(chosen, results)

    return check_marts


def _specs(tables: dict[dg.AssetKey, str], what: str) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            NAME, asset=key, blocking=True, description=f"Great Expectations on {what}; limits in config/quality."
        )
        for key in tables
    ]


def _chosen(context: dg.AssetCheckExecutionContext, tables: dict[dg.AssetKey, str]) -> dict[dg.AssetKey, str]:
    return {key.asset_key: tables[key.asset_key] for key in sorted(context.selected_asset_check_keys)}


def _reported(tables: dict[dg.AssetKey, str], results: Sequence[CheckResult]) -> Iterator[dg.AssetCheckResult]:
    for key, name in tables.items():
        yield reported(key, [result for result in results if result.table == name])


def reported(key: dg.AssetKey, results: Sequence[CheckResult]) -> dg.AssetCheckResult:
    """A table's results as one: it blocks if any of them does, and warns if any of them failed."""
    failed = [result for result in results if not result.passed]
    stops = blocking(results)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=NAME,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN,
        description=_sentence(stops or failed),
        metadata={
            "expectations": len(results),
            "failing": table(_row(result) for result in failed),
            "suite": table(_row(result) for result in results),
        },
    )


def _sentence(failed: Iterable[CheckResult]) -> str:
    return "; ".join(f"{result.description}: {result.observed or 'it does not hold'}" for result in failed)


def _row(result: CheckResult) -> dict[str, object]:
    return {
        "expectation": result.description,
        "column": result.column,
        "held": result.passed,
        "severity": result.severity.value,
        "observed": result.observed,
        "failing rows": result.unexpected_count,
        "keys": ", ".join(" ".join(f"{name}={value}" for name, value in row.items()) for row in result.failing_keys),
    }
