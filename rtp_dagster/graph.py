"""Everything Dagster knows of the product: assets and checks by stage, jobs, schedules, sensors."""

import dagster as dg

from rtp.clock import Clock, system_clock
from rtp.settings import Settings
from rtp_dagster import alerts, arrivals, erasure, in_step, jobs, live, storage  # noqa: F401  (storage: see there)
from rtp_dagster.defs import (
    activation,
    decisioning,
    features,
    identity,
    inventory,
    optimization,
    profile,
    published,
    quality,
    signals,
    warehouse_models,
)
from rtp_dagster.project import read_project
from rtp_dagster.resources import Warehouse

PARTS = (
    signals,
    identity,
    warehouse_models,
    quality,
    published,
    features,
    profile,
    inventory,
    decisioning,
    optimization,
    activation,
)


def build_definitions(settings: Settings, clock: Clock = system_clock) -> dg.Definitions:
    """The whole graph over one state directory."""
    project = read_project(settings, clock().date())
    return dg.Definitions.merge(
        *(part.definitions(project) for part in PARTS),
        jobs.definitions(),
        arrivals.definitions(project),
        alerts.definitions(),
        live.definitions(),
        erasure.definitions(),
        in_step.definitions(),
        dg.Definitions(
            resources={"settings": settings, "warehouse": Warehouse(settings), "clock": clock},
            # What is launched from the UI and backfills, as the jobs: see rtp_dagster.jobs.
            executor=dg.in_process_executor,
        ),
    )
