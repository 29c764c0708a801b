"""Running a job in this process against the shared instance, telling what happens as it happens."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob

# The public `execute_job` only returns at the end; a person wants to see each step when it is done.
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

QUIET: Mapping[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
LOCATION = "rtp"
"""As in workspace.yaml: it lets the UI and the alert sensors know whose run it is."""


def create_run(job: dg.JobDefinition, instance: dg.DagsterInstance, tags: Mapping[str, str]) -> dg.DagsterRun:
    """A run that exists in the instance and has not begun."""
    return instance.create_run_for_job(
        job_def=job, run_config=dict(QUIET), tags=dict(tags), remote_job_origin=_origin(job.name)
    )


def execute(job: dg.JobDefinition, run: dg.DagsterRun, instance: dg.DagsterInstance) -> Iterator[dg.DagsterEvent]:
    """Runs it and yields its events as they happen; a failed step is an event, not an exception."""
    yield from execute_run_iterator(InMemoryJob(job), run, instance)


def _origin(job_name: str) -> RemoteJobOrigin:
    target = LoadableTargetOrigin(module_name="rtp_dagster.definitions", attribute="defs")
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job_name)
