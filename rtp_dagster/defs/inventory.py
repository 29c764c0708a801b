"""Inventory: the built stock positions into the live stock store."""

import dagster as dg

from rtp import wiring
from rtp.clock import Clock, to_micros
from rtp.settings import Settings
from rtp.stores.marts import stock_counts
from rtp.stores.stock_snapshot import write_reservations
from rtp_dagster.in_step import brought
from rtp_dagster.naming import feed_key, lake_key, live_key, published_key, spec
from rtp_dagster.project import Project
from rtp_dagster.redis_work import on_redis
from rtp_dagster.reporting import ROWS


def definitions(project: Project) -> dg.Definitions:
    """Counts only: movements, reservations and commitments that came in live stay."""
    described = spec(
        live_key("stock"),
        stage="inventory",
        about="Stock by store and product as it may be promised; movements, reservations and orders change it live.",
        kinds={"redis"},
        sources=project.sources,
        deps=[published_key("inventory_position")],
    )

    @dg.multi_asset(name="seed_stock", specs=[described])
    def seed_stock(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
        with brought(settings, live_key("stock")):
            counts = stock_counts(wiring.lake(settings))
            changed = on_redis(settings, lambda client: wiring.stock_store(settings, client).seed(counts))
        return dg.MaterializeResult(metadata={ROWS: len(counts), "changed positions": changed})

    return dg.Definitions(assets=[_reservations(project), seed_stock])


def _reservations(project: Project) -> dg.AssetsDefinition:
    described = spec(
        lake_key("reservations"),
        stage="inventory",
        about="What running reservations hold, as Redis has it when a build begins.",
        kinds={"redis", "parquet"},
        sources=project.sources,
        deps=[feed_key("inventory")],
    )

    @dg.multi_asset(name="take_reservations", specs=[described])
    def take_reservations(
        settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
    ) -> dg.MaterializeResult[None]:
        lake, now = wiring.lake(settings), to_micros(clock())
        rows = on_redis(
            settings, lambda client: write_reservations(lake, wiring.stock_store(settings, client), now=now)
        )
        return dg.MaterializeResult(metadata={ROWS: rows})

    return take_reservations
