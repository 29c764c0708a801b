"""Which assets are built together, and when."""

from datetime import UTC

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from rtp.signals.feeds import CONTRACTS
from rtp_dagster.days import ALL, SCOPE_TAG
from rtp_dagster.naming import feast_key, feed_key

Job = UnresolvedAssetJobDefinition
RETRIED = {"dagster/max_retries": "2", "dagster/retry_strategy": "FROM_FAILURE"}
"""For runs whose steps may be repeated and that the network can fail."""


def everything(day: str, *, run_key: str | None = None) -> dg.RunRequest:
    """A run of `refresh` that builds whatever is new; `day` only says under which partition it is filed."""
    return dg.RunRequest(job_name="refresh", run_key=run_key, partition_key=day, tags={SCOPE_TAG: ALL})


def definitions() -> dg.Definitions:
    """Jobs run in one process: a process per step costs 6 to 8 seconds each, and most steps take less."""
    trained = dg.AssetSelection.groups("optimization")
    sent = dg.AssetSelection.groups("activation")
    # What the worker writes is no asset of ours to build, but its check is ours to run.
    live = dg.AssetSelection.checks_for_assets(feast_key("customer_live"))
    built = dg.AssetSelection.all() | observed() | live
    executor = dg.in_process_executor
    refresh = dg.define_asset_job(
        "refresh",
        selection=built - trained - sent,
        executor_def=executor,
        description="From the loaded files and the archive to the online store; one day, or all days.",
    )
    retrain = dg.define_asset_job(
        "retrain", selection=trained, executor_def=executor, description="A new ranker, live if it passes its gates."
    )
    activate = dg.define_asset_job(
        "activate_audiences",
        selection=sent,
        executor_def=executor,
        description="Who came and went.",
    )
    return dg.Definitions(jobs=[refresh, retrain, activate], schedules=[_daily(refresh), _weekly(retrain)])


def observed() -> dg.AssetSelection:
    """The observable files of the lake: what a refresh looks at first."""
    return dg.AssetSelection.assets(*(feed_key(table) for table in CONTRACTS))


def _daily(job: Job) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="refresh_daily",
        job=job,
        cron_schedule="30 4 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Everything that is new, every night.",
    )
    def refresh_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        moment = context.scheduled_execution_time.astimezone(UTC)
        return everything(moment.date().isoformat(), run_key=f"daily:{moment.date().isoformat()}")

    return refresh_daily


def _weekly(job: Job) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name="retrain_weekly",
        job=job,
        cron_schedule="30 5 * * 0",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A new ranker every Sunday.",
    )
