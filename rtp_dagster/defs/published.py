"""The marts as everybody else reads them: swapped in all at once, after the blocking checks."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from rtp import wiring
from rtp.clock import Clock
from rtp.errors import Rejected
from rtp.quality.result import CheckResult, blocking
from rtp.settings import Settings
from rtp.stores.lake import Lake
from rtp.stores.lake_facts import folder_facts
from rtp.stores.published import publish
from rtp_dagster.naming import WAREHOUSE_POOL, dbt_key, published_key, spec
from rtp_dagster.project import Project
from rtp_dagster.redis_work import answering, on_redis
from rtp_dagster.reporting import facts_metadata
from rtp_dagster.translation import marts_of, stage_of

VERSION_TIME = "%Y%m%dT%H%M%S"


def definitions(project: Project) -> dg.Definitions:
    """One step, because one pointer swaps all marts: readers never see two builds at once."""
    marts = marts_of(project.manifest)

    @dg.multi_asset(name="publish", specs=_specs(project), pool=WAREHOUSE_POOL)
    def publish_marts(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
    ) -> Iterator[dg.MaterializeResult[None]]:
        # A pointer swapped while Redis is away would leave the marts newer than the online store.
        on_redis(settings, answering)
        moment = clock()
        version = version_name(moment, context.run.run_id)
        gate = wiring.quality_gate(settings)
        _refuse_late(gate.check_late(moment))
        publish(settings, version)
        gate.accept(moment)
        lake = wiring.lake(settings)
        for mart in sorted(marts):
            folder = lake.mart(mart).parent
            metadata = facts_metadata(folder_facts(folder), folder) | {"version": version}
            yield dg.MaterializeResult(
                asset_key=published_key(mart), metadata=metadata, data_version=dg.DataVersion(version)
            )

    return dg.Definitions(assets=[publish_marts])


def _refuse_late(results: Sequence[CheckResult]) -> None:
    """A file that came in after the check may have been read by dbt: what it broke is not published."""
    stops = blocking(results)
    if stops:
        told = "; ".join(f"{one.table}: {one.description}: {one.observed}" for one in stops)
        raise Rejected(
            f"A file came in after the feeds were checked, and it does not pass: {told}.",
            reason="LATE_FEED",
            hint="`rtp quality --feeds` shows it, and with `--set-aside` takes it out; then build again.",
        )


def _specs(project: Project) -> list[dg.AssetSpec]:
    return [
        spec(
            published_key(name),
            stage=stage_of(node),
            about=f"{node.get('description', '').strip()} Read by everything outside the warehouse.".strip(),
            kinds={"parquet"},
            sources=project.sources,
            deps=[dbt_key(name)],
        )
        for name, node in sorted(marts_of(project.manifest).items())
    ]


def version_name(moment: datetime, run_id: str) -> str:
    """Names a version by when its build published it, and which run that was."""
    return f"{moment:{VERSION_TIME}}-{run_id[:8]}"


def published_at(lake: Lake) -> float:
    """Epoch seconds at which the present version was published; 0 before the first build."""
    version = lake.published_version()
    if version is None:
        return 0.0
    return datetime.strptime(version.partition("-")[0], VERSION_TIME).replace(tzinfo=UTC).timestamp()
