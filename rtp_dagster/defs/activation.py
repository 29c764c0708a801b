"""Activation: audiences, computed on the published marts and told to their destination as what changed."""

import asyncio
import json

import dagster as dg

from rtp import wiring
from rtp.settings import Settings
from rtp.stores.audiences import Definition, read_audiences
from rtp_dagster.jobs import RETRIED
from rtp_dagster.naming import audience_key, published_key, spec
from rtp_dagster.project import Project
from rtp_dagster.reporting import ROWS


def definitions(project: Project) -> dg.Definitions:
    """One asset an audience of config/audiences."""
    audiences = read_audiences(project.settings.config_dir)
    return dg.Definitions(assets=[_audience(project, audience) for audience in audiences], sensors=[sensor(project)])


def _audience(project: Project, definition: Definition) -> dg.AssetsDefinition:
    described = spec(
        audience_key(definition.audience_id),
        stage="activation",
        about=definition.audience.description,
        kinds={"sql", "webhook"},
        sources=project.sources,
        deps=[published_key(mart) for mart in ("customer_profile", "customer_identifier")],
        owner=definition.audience.owner,
        metadata={"query": dg.MetadataValue.md(f"```sql\n{definition.sql}\n```")},
    )

    @dg.multi_asset(name=f"audience_{definition.audience_id}", specs=[described])
    def send_audience(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
        sent = asyncio.run(wiring.audience_sync(settings).send(definition))
        return dg.MaterializeResult(
            metadata={
                ROWS: sent.members,
                "added": sent.added,
                "removed": sent.removed,
                "messages": sent.messages,
                "destination": definition.audience.destination if sent.active else "inactive: it has no address",
                "snapshot": sent.snapshot,
            }
        )

    return send_audience


def sensor(project: Project) -> dg.SensorDefinition:
    """After each publish, a run per audience; the run key names both, so that one snapshot is sent once."""
    ids = [definition.audience_id for definition in read_audiences(project.settings.config_dir)]

    @dg.sensor(
        name="audience_activation",
        job_name="activate_audiences",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends each audience when the marts it is computed on were published anew.",
    )
    def audience_activation(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SensorResult | dg.SkipReason:
        snapshot = wiring.lake(settings).published_version()
        done: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
        due = [audience_id for audience_id in ids if snapshot and done.get(audience_id) != snapshot]
        if not due or snapshot is None:
            return dg.SkipReason("Nothing was published since the audiences were sent.")
        requests = [_request(audience_id, snapshot) for audience_id in due]
        return dg.SensorResult(run_requests=requests, cursor=json.dumps(done | dict.fromkeys(due, snapshot)))

    return audience_activation


def _request(audience_id: str, snapshot: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"audience:{audience_id}:{snapshot}", asset_selection=[audience_key(audience_id)], tags=RETRIED
    )
