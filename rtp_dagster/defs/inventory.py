"""Inventory: the built stock positions into the live stock store."""

import dagster as dg

from rtp import wiring
from rtp.settings import Settings
from rtp.stores.marts import stock_counts
from rtp_dagster.in_step import brought
from rtp_dagster.naming import live_key, published_key, spec
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

    return dg.Definitions(assets=[seed_stock])
