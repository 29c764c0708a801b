"""The graph as others rely on it: names, groups, lineage, what runs by default."""

import dagster as dg

from rtp.features.views import VIEWS
from rtp.signals.feeds import CONTRACTS
from rtp_dagster.naming import STAGES, dbt_key, feast_key, lake_key, model_key, published_key

MARTS = {
    "customer_profile", "customer_identifier", "product", "store", "offer", "inventory_position", "demand_daily",
    "decision_outcome", "experiment_result", "channel_funnel", "order_line",
}  # fmt: skip


def keys(graph: dg.Definitions, prefix: str) -> set[str]:
    found = graph.resolve_asset_graph().get_all_asset_keys()
    return {key.path[1] for key in found if key.path[0] == prefix}


def test_every_kind_of_asset_is_there_by_name(graph: dg.Definitions) -> None:
    assert keys(graph, "lake") == {
        *(name for name in CONTRACTS if name != "events"),
        "event_files", "events", "decisions", "activations", "rejected", "movements", "identity",
        "reservations", "link_review",
    }  # fmt: skip
    assert keys(graph, "published") == MARTS
    assert keys(graph, "dbt") >= MARTS
    assert keys(graph, "feast") == {"registry", *(view.name for view in VIEWS)}
    assert keys(graph, "models") == {"catalog", "linkage", "ranker"}
    assert keys(graph, "live") == {"event_log", "identity", "stock", "consents"}
    assert keys(graph, "audiences") == {"lapsing_loyal"}


def test_groups_are_the_stages_and_every_asset_says_what_it_is_and_whose(graph: dg.Definitions) -> None:
    assets = graph.resolve_asset_graph()
    nodes = [assets.get(key) for key in assets.get_all_asset_keys()]
    assert {node.group_name for node in nodes} <= set(STAGES)
    assert [node.key.to_user_string() for node in nodes if not node.owners] == []
    assert [node.key.to_user_string() for node in nodes if not node.kinds] == []
    undescribed = [node.key.to_user_string() for node in nodes if not node.description]
    assert [key for key in undescribed if not key.startswith("dbt/")] == []


def test_one_lineage_reaches_from_the_source_files_to_the_online_store_and_the_model(graph: dg.Definitions) -> None:
    assets = graph.resolve_asset_graph()

    def ancestors(key: dg.AssetKey) -> set[dg.AssetKey]:
        found: set[dg.AssetKey] = set()
        waiting = [key]
        while waiting:
            waiting += [parent for parent in assets.get(waiting.pop()).parent_keys if parent not in found]
            found |= set(waiting)
        return found

    for end in (feast_key("customer_profile"), model_key("ranker"), dg.AssetKey(["audiences", "lapsing_loyal"])):
        assert {lake_key("order_lines"), lake_key("identity"), dbt_key("order_line")} <= ancestors(end)
    assert published_key("inventory_position") in ancestors(feast_key("stock_daily"))
    assert lake_key("decisions") in ancestors(published_key("decision_outcome"))


def test_days_are_partitions_where_a_day_is_the_unit(graph: dg.Definitions) -> None:
    assets = graph.resolve_asset_graph()
    daily = {key.to_user_string() for key in assets.get_all_asset_keys() if assets.get(key).is_partitioned}
    assert daily >= {"lake/events", "lake/decisions", "lake/activations", "dbt/demand_daily", "dbt/decision_outcome"}
    assert "dbt/customer_profile" not in daily


def test_feeds_are_checked_before_dbt_and_marts_before_they_are_published(graph: dg.Definitions) -> None:
    assets = graph.resolve_asset_graph()
    blocking = {key.asset_key for key in assets.asset_check_keys if assets.get(key).blocking}
    assert {lake_key("order_lines"), lake_key("products"), dbt_key("customer_profile")} <= blocking
    tests_of_dbt = [key for key in assets.asset_check_keys if key.asset_key.path[0] == "dbt"]
    assert len(tests_of_dbt) > len(MARTS)


def test_jobs_schedules_and_sensors_run_by_default(graph: dg.Definitions) -> None:
    repository = graph.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} >= {"refresh", "retrain", "activate_audiences"}
    assert {each.name: each.default_status for each in repository.schedule_defs} == dict.fromkeys(
        ("refresh_daily", "retrain_weekly"), dg.DefaultScheduleStatus.RUNNING
    )
    assert {each.name for each in repository.sensor_defs} >= {
        "event_archive", "audience_activation", "built_days", "alert_failed_run", "alert_failed_check", "live_state",
    }  # fmt: skip
    assert {each.default_status for each in repository.sensor_defs} == {dg.DefaultSensorStatus.RUNNING}


def test_a_refresh_neither_trains_nor_sends(graph: dg.Definitions) -> None:
    built = graph.resolve_job_def("refresh").asset_layer.executable_asset_keys
    assert feast_key("customer_profile") in built
    assert model_key("ranker") not in built
    assert not [key for key in built if key.path[0] == "audiences"]
