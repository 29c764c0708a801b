"""A real build on the sample, and what it starts."""

import os
import shutil
from datetime import timedelta

import dagster as dg

from rtp import wiring
from rtp.settings import Settings
from rtp_dagster.arrivals import REFRESH_SECONDS
from rtp_dagster.naming import audience_key, feast_key, lake_key, model_key
from rtp_dagster.progress import Outcome
from tests.rtp_dagster.conftest import NOW
from tests.rtp_dagster.served import orders_online


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


def test_the_linkage_shows_what_it_learned_and_what_it_held_back(built: Outcome, instance: dg.DagsterInstance) -> None:
    shown = {}
    for key in (model_key("linkage"), lake_key("link_review"), lake_key("identity")):
        event = instance.get_latest_materialization_event(key)
        assert event
        assert event.asset_materialization
        shown[key.path[-1]] = event.asset_materialization.metadata
    for chart in ("match weights", "threshold"):
        assert "data:image/png;base64," in str(shown["linkage"][chart].value)
    assert int(str(shown["identity"]["probable links"].value)) > 0
    assert int(str(shown["link_review"]["dagster/row_count"].value)) >= 0


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
