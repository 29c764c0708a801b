"""Features: the published marts into the online store, and what the worker keeps there live."""

import dagster as dg
from redis.asyncio import Redis

from rtp import wiring
from rtp.clock import Clock
from rtp.errors import Retryable
from rtp.features.view import View
from rtp.features.views import VIEWS
from rtp.profile.recount import Recount, Sources, recount
from rtp.settings import Settings
from rtp.stores.archive_sample import archived_of, archived_up_to, some_customers
from rtp.stores.feast_bulk import materialize_mart
from rtp.stores.feast_repository import apply
from rtp_dagster.in_step import brought
from rtp_dagster.naming import feast_key, live_key, published_key, spec
from rtp_dagster.project import Project
from rtp_dagster.redis_work import on_redis
from rtp_dagster.reporting import ROWS, column_schema, table

PUSHED_FROM = {"customer_live": "event_log", "stock_live": "stock"}
"""What the worker makes a live view of."""
REGISTRY = feast_key("registry")
REPLAY = "equals_the_archive"
REPLAYED_CUSTOMERS = 200
"""Of whom the archive is folded once more at each check, others every time."""


def definitions(project: Project) -> dg.Definitions:
    """A step per batch view; views that are pushed live are external, observed by the sensor `live_state`."""
    batch = [_materialized(project, view) for view in VIEWS if view.mart]
    live = [_view_spec(project, view, [live_key(PUSHED_FROM[view.name]), REGISTRY]) for view in VIEWS if not view.mart]
    return dg.Definitions(assets=[_registry(project), *batch, *live], asset_checks=[equals_the_archive])


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


@dg.asset_check(
    name=REPLAY,
    asset=feast_key("customer_live"),
    description="A sample of customers, folded once more from the archive, is what Redis holds of them: to the byte.",
)
def equals_the_archive(settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]) -> dg.AssetCheckResult:
    """Names what differs and of how many customers, never of whom."""
    lake = wiring.lake(settings)
    try:
        customers = some_customers(lake, REPLAYED_CUSTOMERS, draw=clock().isoformat())
        return _replayed(on_redis(settings, lambda client: recount(_sources(settings, client), customers)))
    except Retryable as error:
        severity = dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(passed=False, severity=severity, description=f"Not compared: {error.message}")


def _sources(settings: Settings, client: Redis) -> Sources:
    lake = wiring.lake(settings)
    return Sources(
        graph=wiring.identity_graph(settings, client),
        fragments=wiring.fragment_store(client),
        online=wiring.online_store(client),
        archived=lambda keys: archived_of(lake, keys),
        newest=archived_up_to(lake),
        partitions=settings.partitions,
        anonymous_ttl_days=settings.anonymous_ttl_days,
    )


def _replayed(counted: Recount) -> dg.AssetCheckResult:
    differing = [{"what": name, "customers": count} for name, count in counted.differences.items()]
    verdict = f"Of {counted.customers} customers all they did, counted once more, is what is served."
    if not counted.passed:
        verdict = (
            f"{counted.differing} of {counted.customers} customers differ from the archive, in "
            f"{', '.join(counted.differences)}. After a change of features `rtp replay` folds their history in."
        )
    return dg.AssetCheckResult(
        passed=counted.passed,
        description=verdict,
        metadata={
            "customers": counted.customers,
            "fragments compared": counted.fragments,
            "fragments not archived yet": counted.waiting,
            "differing": table(differing),
        },
    )
