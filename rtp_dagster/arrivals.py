"""Sensors on what arrives: new files of the archive, and the days that builds have covered."""

from collections.abc import Mapping
from datetime import date

import dagster as dg
import msgspec

from rtp import wiring
from rtp.clock import Clock
from rtp.settings import Settings
from rtp.stores.lake import Lake
from rtp.stores.lake_facts import archived_days, day_folder, folder_version
from rtp_dagster.days import covered
from rtp_dagster.defs.published import published_at
from rtp_dagster.defs.signals import ARCHIVED, archived_day
from rtp_dagster.jobs import everything
from rtp_dagster.project import Project
from rtp_dagster.translation import daily_keys

LOOK_SECONDS = 30
DAYS_A_TICK = 60
REFRESH_SECONDS = 300
"""At most one refresh in this time, however often the archiver writes."""


class Seen(msgspec.Struct, frozen=True):
    """The cursor: which files were reported, and when a refresh was last asked for."""

    versions: Mapping[str, str] = {}
    """"<stream>/<day>" to the fingerprint of its files."""
    waiting: bool = False
    """Something was reported that no refresh has taken in yet."""
    refreshed_at: float = 0.0


def look(lake: Lake) -> dict[str, str]:
    """Every archived stream and day with the fingerprint of its files."""
    return {
        f"{stream}/{day.isoformat()}": folder_version(day_folder(lake.archive(stream), day))
        for stream in ARCHIVED
        for day in archived_days(lake.archive(stream))
    }


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, date]]:
    """(stream, day) of everything whose files are others than before."""
    return [
        (stream, date.fromisoformat(day))
        for stream, day in (name.split("/") for name in sorted(now) if now[name] != before.get(name))
    ]


def due(seen: Seen, news: bool, moment: float, published_at: float = 0.0) -> bool:
    """Whether a refresh is asked for at this tick; a build that somebody else has just published counts too."""
    return (seen.waiting or news) and moment - max(seen.refreshed_at, published_at) >= REFRESH_SECONDS


@dg.sensor(
    name="event_archive",
    job_name="refresh",
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="New files in the archive are reported day by day and taken in by a refresh.",
)
def event_archive(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
) -> dg.SensorResult:
    """Reports each (stream, day) that changed, and asks for a refresh when one is due."""
    seen = msgspec.json.decode(context.cursor, type=Seen) if context.cursor else Seen()
    lake = wiring.lake(settings)
    now = look(lake)
    news = changed(seen.versions, now)
    moment = clock()
    ask = due(seen, bool(news), moment.timestamp(), published_at(lake))
    cursor = Seen(now, (seen.waiting or bool(news)) and not ask, moment.timestamp() if ask else seen.refreshed_at)
    run_key = f"archive:{moment.isoformat(timespec='seconds')}"
    return dg.SensorResult(
        run_requests=[everything(moment.date().isoformat(), run_key=run_key)] if ask else [],
        asset_events=[archived_day(lake, stream, day) for stream, day in news],
        cursor=msgspec.json.encode(cursor).decode(),
        skip_reason=None if ask or news else dg.SkipReason("No new file in the archive."),
    )


def definitions(project: Project) -> dg.Definitions:
    """Both sensors."""
    return dg.Definitions(sensors=[event_archive, _history(project)])


def _history(project: Project) -> dg.SensorDefinition:
    keys = daily_keys(project.manifest)

    @dg.sensor(
        name="built_days",
        minimum_interval_seconds=LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks the days that a build of everything covered, some at a time: it is one event a day.",
    )
    def built_days(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        events = covered(context.instance, project.days, keys, DAYS_A_TICK)
        return dg.SensorResult(asset_events=events) if events else dg.SkipReason("Every day is marked.")

    return built_days
