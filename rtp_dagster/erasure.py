"""Requests for erasure, carried out as runs that show what was removed where."""

import dagster as dg

from rtp import wiring
from rtp.errors import Retryable
from rtp.profile.erasure import ErasureStatus
from rtp.settings import Settings
from rtp_dagster.redis_work import on_redis

EVERY_SECONDS = 30


def definitions() -> dg.Definitions:
    """The job `erase`, and the sensor that starts it."""
    return dg.Definitions(jobs=[_job()], sensors=[_sensor()])


def _job() -> dg.JobDefinition:
    @dg.op(name="erase_waiting", description="Takes whoever asked for it out of every place, and proves it.")
    def erase_waiting(context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]) -> None:
        done = on_redis(settings, lambda client: wiring.erasure(settings, client).carry_out_waiting())
        for regulation in done:
            for place in regulation.places:
                context.log.info(f"{regulation.regulation_id} {place.place}: {place.removed} removed. {place.error}")
        context.add_output_metadata({each.regulation_id: str(each.status) for each in done})
        if any(each.status is not ErasureStatus.FINISHED for each in done):
            raise dg.Failure("Something is left: the log of this run says where, and what to do.")

    @dg.job(name="erase", executor_def=dg.in_process_executor, description="Erasures that were requested.")
    def erase() -> None:
        erase_waiting()

    return erase


def _sensor() -> dg.SensorDefinition:
    @dg.sensor(
        name="erasure_requests",
        job_name="erase",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts `erase` when somebody asked for it over HTTP.",
    )
    def erasure_requests(
        _context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.RunRequest | dg.SkipReason:
        try:
            waiting = on_redis(settings, lambda client: wiring.erasure(settings, client).waiting())
        except Retryable as error:
            return dg.SkipReason(str(error))
        if not waiting:
            return dg.SkipReason("Nobody asked to be erased.")
        return dg.RunRequest(run_key="erase:" + ",".join(waiting))

    return erasure_requests
