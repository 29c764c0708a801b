"""Alerts: a failed run or check is told to a webhook, signed as every message of ours is."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from rtp.activation.webhook import sign_and_send
from rtp.settings import Settings
from rtp.stores.keyring import load_keyring
from rtp_dagster.progress import said


def alert(
    kind: str, run: dg.DagsterRun, error: str, checks: Iterable[dg.AssetCheckEvaluation], url: str
) -> dict[str, Any]:
    """What the receiver is told; names and sentences, never data."""
    return {
        "type": kind,
        "data": {
            "job": run.job_name,
            "runId": run.run_id,
            "url": f"{url}/runs/{run.run_id}",
            "error": error,
            "failedChecks": [
                {
                    "asset": check.asset_key.to_user_string(),
                    "check": check.check_name,
                    "severity": check.severity.value,
                    "description": check.description or "",
                }
                for check in checks
            ],
        },
    }


def failed_checks(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetCheckEvaluation]:
    """The checks of a run that did not pass."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = (entry.asset_check_evaluation for entry in entries)
    return [evaluation for evaluation in found if evaluation is not None and not evaluation.passed]


def send(settings: Settings, webhook_id: str, message: Mapping[str, Any]) -> None:
    """Sends one alert; raises Failure where it is not taken, so that the sensor's tick shows it and tries again."""
    secret = load_keyring(settings).webhook_secret
    result = asyncio.run(sign_and_send(settings.alert_webhook_url, secret, message, webhook_id))
    if result.outcome != "delivered":
        raise dg.Failure(f"The alert webhook did not take the message (HTTP {result.status}).")


@dg.run_failure_sensor(
    name="alert_failed_run",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells RTP_ALERT_WEBHOOK_URL which run failed and why.",
)
def alert_failed_run(context: dg.RunFailureSensorContext, settings: dg.ResourceParam[Settings]) -> dg.SkipReason | None:
    """One message per failed run."""
    if not settings.alert_webhook_url:
        return dg.SkipReason("RTP_ALERT_WEBHOOK_URL is not set.")
    run = context.dagster_run
    failures = context.get_step_failure_events()
    error = said(failures[0].step_failure_data.error) if failures else context.failure_event.message or ""
    checks = failed_checks(context.instance, run.run_id)
    send(settings, f"run_{run.run_id}", alert("run.failed", run, error, checks, settings.dagster_url))
    return None


@dg.run_status_sensor(
    name="alert_failed_check",
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells RTP_ALERT_WEBHOOK_URL which checks failed in a run that went on all the same.",
)
def alert_failed_check(
    context: dg.RunStatusSensorContext, settings: dg.ResourceParam[Settings]
) -> dg.SkipReason | None:
    """One message per run with failed checks."""
    checks = failed_checks(context.instance, context.dagster_run.run_id)
    if not checks or not settings.alert_webhook_url:
        return dg.SkipReason("Every check passed." if not checks else "RTP_ALERT_WEBHOOK_URL is not set.")
    run = context.dagster_run
    send(settings, f"checks_{run.run_id}", alert("check.failed", run, "", checks, settings.dagster_url))
    return None


def definitions() -> dg.Definitions:
    """Both sensors."""
    return dg.Definitions(sensors=[alert_failed_run, alert_failed_check])
