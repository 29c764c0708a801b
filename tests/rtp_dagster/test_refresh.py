"""A real build on the sample, and builds that must not go through."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import duckdb
import pytest

from rtp import wiring
from rtp.settings import Settings
from rtp_dagster.arrivals import REFRESH_SECONDS
from rtp_dagster.days import run_tags
from rtp_dagster.execution import create_run, execute
from rtp_dagster.naming import audience_key, feast_key, lake_key
from rtp_dagster.progress import Outcome, Telling
from rtp_dagster.redis_work import on_redis
from tests.rtp_dagster.conftest import NOW


@pytest.fixture(scope="module")
def build(definitions: dg.Definitions, instance: dg.DagsterInstance):  # type: ignore[no-untyped-def]
    def run() -> Outcome:
        job = definitions.resolve_job_def("refresh")
        made = create_run(job, instance, run_tags(None, NOW.date()))
        ticks: Iterator[int] = iter(range(2))
        return Telling(made, lambda _line: None).follow(execute(job, made, instance), lambda: float(next(ticks)))

    return run


@pytest.fixture(scope="module")
def built(build) -> Outcome:  # type: ignore[no-untyped-def]
    return build()


def orders_online(settings: Settings) -> dict[str, object]:
    """What the online store says of the customer with the most orders."""
    mart = wiring.lake(settings).mart("customer_profile")
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select customer_id from '{mart}' order by orders_365d desc, customer_id limit 1"
        ).fetchone()
    assert found
    entity, feature = {"customer_id": found[0]}, "customer_profile:orders_365d"
    return on_redis(settings, lambda client: wiring.online_store(client).read([entity], [feature]))[0]


def test_a_refresh_goes_from_the_loaded_files_to_the_online_store(built: Outcome, retailer: Settings) -> None:
    assert built.ok, built.error
    assert [step.name for step in built.steps if not step.ok] == []
    assert int(str(orders_online(retailer)["customer_profile:orders_365d"])) > 0


def test_assets_say_how_many_rows_they_hold(built: Outcome, instance: dg.DagsterInstance) -> None:
    event = instance.get_latest_materialization_event(feast_key("customer_profile"))
    assert event
    assert event.asset_materialization
    rows = event.asset_materialization.metadata["dagster/row_count"].value
    assert rows == 103 or int(str(rows)) > 50


def test_a_publish_starts_the_audience_once(
    built: Outcome, definitions: dg.Definitions, instance: dg.DagsterInstance, retailer: Settings
) -> None:
    sensor = definitions.resolve_sensor_def("audience_activation")
    resources = {"settings": retailer}
    with dg.build_sensor_context(instance=instance, resources=resources) as context:
        tick = sensor.evaluate_tick(context)
    snapshot = wiring.lake(retailer).published_version()
    assert tick.run_requests
    assert [request.run_key for request in tick.run_requests] == [f"audience:lapsing_loyal:{snapshot}"]
    with dg.build_sensor_context(instance=instance, resources=resources, cursor=tick.cursor) as context:
        assert not sensor.evaluate_tick(context).run_requests
    result = definitions.resolve_job_def("activate_audiences").execute_in_process(
        instance=instance, asset_selection=list(tick.run_requests[0].asset_selection or [])
    )
    metadata = result.asset_materializations_for_node("audience_lapsing_loyal")[0].metadata
    assert result.success
    assert int(str(metadata["dagster/row_count"].value)) >= 0
    assert instance.get_latest_materialization_event(audience_key("lapsing_loyal"))


def test_a_broken_feed_stops_before_anything_is_served_from_it(
    built: Outcome,
    build,
    retailer: Settings,
    instance: dg.DagsterInstance,  # type: ignore[no-untyped-def]
) -> None:
    lake, before, served = wiring.lake(retailer), orders_online(retailer), wiring.lake(retailer).published_version()
    good = next(path for path in lake.feed("order_lines").glob("*.parquet") if not path.name.startswith("_"))
    broken = good.with_name("broken.parquet")
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * replace (null as customer_ref) from '{good}') to '{broken}' (format parquet)"
        )
    try:
        outcome = build()
    finally:
        broken.unlink()
    assert not outcome.ok
    assert "lake/order_lines: expectations" in outcome.checks_failed
    assert "lake/order_lines" in outcome.error
    assert {step.name for step in outcome.steps} <= {"feeds", "check_feeds"}
    assert wiring.lake(retailer).published_version() == served
    assert orders_online(retailer) == before


def test_new_files_in_the_archive_are_reported_and_ask_for_one_refresh(
    built: Outcome, definitions: dg.Definitions, instance: dg.DagsterInstance, retailer: Settings
) -> None:
    lake = wiring.lake(retailer)
    day = lake.archive("events") / "received_date=2026-06-29"
    day.mkdir()
    shutil.copy(lake.archive("events") / "_schema.parquet", day / "0-1.parquet")
    # The build of this module was published just now; the sensor waits for a while after one.
    long_ago = (NOW - timedelta(hours=1)).timestamp()
    os.utime(lake.marts, (long_ago, long_ago), follow_symlinks=False)
    sensor = definitions.resolve_sensor_def("event_archive")
    later = NOW + timedelta(seconds=REFRESH_SECONDS)
    resources = {"settings": retailer, "clock": lambda: later}
    repository = definitions.get_repository_def()
    with dg.build_sensor_context(instance=instance, resources=resources, repository_def=repository) as context:
        tick = sensor.evaluate_tick(context)
    assert tick.run_requests
    assert [request.partition_key for request in tick.run_requests] == [later.date().isoformat()]
    assert [(event.asset_key, event.partition) for event in tick.asset_events] == [(lake_key("events"), "2026-06-29")]
    with dg.build_sensor_context(
        instance=instance, resources={**resources, "clock": lambda: later + timedelta(seconds=30)}, cursor=tick.cursor
    ) as context:
        assert not sensor.evaluate_tick(context).run_requests
