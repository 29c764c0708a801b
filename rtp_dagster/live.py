"""The sensor `live_state`: what came in and what became of it, observed while it changes."""

import dagster as dg
import msgspec

from rtp import wiring
from rtp.errors import Retryable
from rtp.settings import Settings
from rtp.signals.log import Accounting
from rtp_dagster.naming import feast_key, live_key
from rtp_dagster.redis_work import on_redis

LOOK_SECONDS = 60


def observations(log: Accounting) -> list[dg.AssetObservation]:
    """The event log in figures; the live views are made of the events it has applied."""
    made = {"events applied": log.applied, "events waiting": log.pending}
    return [
        dg.AssetObservation(live_key("event_log"), metadata=msgspec.structs.asdict(log)),
        dg.AssetObservation(feast_key("customer_live"), metadata=made),
        dg.AssetObservation(feast_key("stock_live"), metadata=made),
    ]


@dg.sensor(
    name="live_state",
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Observes the event log and the views that the worker keeps live.",
)
def live_state(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.SensorResult | dg.SkipReason:
    """One observation each whenever the figures are others than at the last look."""
    try:
        log = on_redis(settings, lambda client: wiring.event_log(settings, client).accounting())
    except Retryable as error:
        return dg.SkipReason(error.message)
    cursor = msgspec.json.encode(log).decode()
    if cursor == context.cursor:
        return dg.SkipReason("Nothing came in.")
    return dg.SensorResult(asset_events=observations(log), cursor=cursor)


def definitions() -> dg.Definitions:
    """The sensor."""
    return dg.Definitions(sensors=[live_state])
