"""Who is told about a failed run or check, and that it is us who tells."""

import json
from collections.abc import Iterator

import dagster as dg
import msgspec
import pytest
from standardwebhooks import Webhook

from rtp.settings import Settings
from rtp.stores.keyring import load_keyring
from rtp_dagster.alerts import alert_failed_check, alert_failed_run
from tests.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@dg.asset
def fragile() -> None:
    raise dg.Failure("the feed is broken")


@dg.asset_check(asset="sturdy")
def doubtful() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="too few rows")


@dg.asset
def sturdy() -> None:
    """Holds."""


def test_a_failed_run_is_told_signed_with_its_cause(settings: Settings, receiver: Receiver) -> None:
    settings = msgspec.structs.replace(settings, alert_webhook_url=receiver.url)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([fragile], instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            sensor_name="alert_failed_run",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
            resources={"settings": settings},
        ).for_run_failure()
        alert_failed_run(context)
    ((headers, body),) = receiver.taken
    Webhook(load_keyring(settings).webhook_secret).verify(body, {key.lower(): value for key, value in headers.items()})
    message = json.loads(body)
    assert message["type"] == "run.failed"
    assert "the feed is broken" in message["data"]["error"]


def test_a_check_that_only_warned_is_told_too(settings: Settings, receiver: Receiver) -> None:
    settings = msgspec.structs.replace(settings, alert_webhook_url=receiver.url)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([sturdy, doubtful], instance=instance)
        context = dg.build_run_status_sensor_context(
            sensor_name="alert_failed_check",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_success_event(),
            resources={"settings": settings},
        )
        alert_failed_check(context)
    ((_, body),) = receiver.taken
    assert json.loads(body)["data"]["failedChecks"] == [
        {"asset": "sturdy", "check": "doubtful", "severity": "WARN", "description": "too few rows"}
    ]
