"""The online store in step with the published marts: what a build could not bring to Redis is brought later."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES, RunsFilter

from rtp import wiring
from rtp.clock import Clock
from rtp.errors import Retryable
from rtp.features.views import VIEWS
from rtp.settings import Settings
from rtp_dagster.naming import feast_key, live_key
from rtp_dagster.redis_work import on_redis

LOOK_SECONDS = 30
LONGEST_BUILD = timedelta(hours=1)
"""A run that has not ended after this long was killed, and brings nothing any more."""
JOB = "bring_online"
PARTS = [*(feast_key(view.name) for view in VIEWS if view.mart), *map(live_key, ("identity", "consents", "stock"))]
"""What builds write to Redis."""


@contextmanager
def brought(settings: Settings, part: dg.AssetKey) -> Iterator[None]:
    """Notes, if all goes well inside, that `part` is now as the version published at the beginning has it."""
    version = wiring.lake(settings).published_version()
    yield
    if version is not None:
        on_redis(settings, lambda client: wiring.online_versions(client).note(part.to_user_string(), version))


def behind(settings: Settings, version: str) -> list[dg.AssetKey]:
    """The parts that Redis does not hold as `version` has them. Raises Retryable while it does not answer."""
    noted = on_redis(settings, lambda client: wiring.online_versions(client).read())
    return [part for part in PARTS if noted.get(part.to_user_string()) != version]


@dg.sensor(
    name="online_in_step",
    job_name=JOB,
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Brings to Redis what a build could not, because Redis went away or came back without its data.",
)
def online_in_step(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
) -> dg.RunRequest | dg.SkipReason:
    """Asks for the parts that are behind, unless a build is about to write them anyway."""
    version = wiring.lake(settings).published_version()
    if version is None:
        return dg.SkipReason("Nothing is published yet.")
    if _building(context.instance):
        return dg.SkipReason("A build is under way and writes the online store itself.")
    try:
        parts = behind(settings, version)
    except Retryable as error:
        return dg.SkipReason(error.message)
    if not parts:
        return dg.SkipReason(f"The online store holds version {version}.")
    return dg.RunRequest(run_key=f"online:{version}:{clock():%Y%m%dT%H%M%S}", asset_selection=parts)


def _building(instance: dg.DagsterInstance) -> bool:
    since = datetime.now().astimezone() - LONGEST_BUILD
    runs = instance.get_runs(RunsFilter(statuses=NOT_FINISHED_STATUSES, created_after=since))
    return any(run.job_name in {"refresh", JOB} for run in runs)


def definitions() -> dg.Definitions:
    """The job and its sensor."""
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(*PARTS),
        executor_def=dg.in_process_executor,
        description="The published marts into the online store once more; nothing is built.",
    )
    return dg.Definitions(jobs=[job], sensors=[online_in_step])
