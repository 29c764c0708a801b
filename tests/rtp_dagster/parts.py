"""Running the last part of a refresh alone: it takes a second, and what comes before it is tested elsewhere."""

from collections.abc import Callable, Iterator

import dagster as dg

from rtp_dagster.days import run_tags
from rtp_dagster.execution import create_run, execute
from rtp_dagster.progress import Outcome, Telling
from tests.rtp_dagster.conftest import NOW


def publish(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    *,
    after: str = "",
    then: Callable[[], None] | None = None,
) -> Outcome:
    """A refresh from the publish on; `then` happens after the first step whose name begins with `after`."""
    whole = definitions.resolve_job_def("refresh")
    keys = {key for key in whole.asset_layer.executable_asset_keys if key.path[0] in {"published", "feast", "live"}}
    job = whole.get_subset(asset_selection=keys)
    run = create_run(job, instance, run_tags(None, NOW.date()))

    def watched() -> Iterator[dg.DagsterEvent]:
        waiting = then
        for event in execute(job, run, instance):
            if waiting and event.is_step_success and (event.step_key or "").startswith(after):
                waiting()
                waiting = None
            yield event

    ticks = iter((0.0, 1.0))
    return Telling(run, lambda _line: None).follow(watched(), lambda: next(ticks))
