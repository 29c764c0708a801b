"""Features: the published marts into the online store, and what the worker keeps there live."""

import dagster as dg

from rtp import wiring
from rtp.features.views import VIEWS, View
from rtp.settings import Settings
from rtp.stores.feast_bulk import materialize_mart
from rtp.stores.feast_repository import apply
from rtp_dagster.in_step import brought
from rtp_dagster.naming import feast_key, live_key, published_key, spec
from rtp_dagster.project import Project
from rtp_dagster.reporting import ROWS, column_schema

PUSHED_FROM = {"customer_live": "event_log", "stock_live": "stock"}
"""What the worker makes a live view of."""
REGISTRY = feast_key("registry")


def definitions(project: Project) -> dg.Definitions:
    """A step per batch view; views that are pushed live are external, observed by the sensor `live_state`."""
    batch = [_materialized(project, view) for view in VIEWS if view.mart]
    live = [_view_spec(project, view, [live_key(PUSHED_FROM[view.name]), REGISTRY]) for view in VIEWS if not view.mart]
    return dg.Definitions(assets=[_registry(project), *batch, *live])


def _registry(project: Project) -> dg.AssetsDefinition:
    described = spec(
        REGISTRY,
        stage="features",
        about="Entities, views and services of feature_repo/, as Feast's SDK and server know them.",
        kinds={"feast"},
        sources=project.sources,
        deps=[published_key(view.mart) for view in VIEWS if view.mart],
    )

    @dg.multi_asset(name="apply_feast", specs=[described])
    def apply_feast(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
        names = apply(settings)
        return dg.MaterializeResult(metadata={ROWS: len(names), "objects": ", ".join(sorted(names))})

    return apply_feast


def _view_spec(project: Project, view: View, deps: list[dg.AssetKey]) -> dg.AssetSpec:
    columns = [(feature.name, feature.type.name.lower()) for feature in view.features]
    return spec(
        feast_key(view.name),
        stage="features",
        about=f"{view.meaning} One hash per {view.entity.name} in the online store.",
        kinds={"feast", "redis"},
        sources=project.sources,
        deps=deps,
        metadata={
            "dagster/column_schema": column_schema(columns, {each.name: each.meaning for each in view.features}),
            "owner of the view": view.owner,
        },
    )


def _materialized(project: Project, view: View) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"materialize_{view.name}",
        specs=[_view_spec(project, view, [published_key(str(view.mart)), REGISTRY])],
    )
    def materialize_view(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
        with brought(settings, feast_key(view.name)):
            done = materialize_mart(settings.redis_address, view, wiring.lake(settings))
        return dg.MaterializeResult(
            metadata={
                ROWS: done.rows,
                "written": done.written,
                "rows per second": round(done.rows / done.seconds) if done.seconds else 0,
            }
        )

    return materialize_view
