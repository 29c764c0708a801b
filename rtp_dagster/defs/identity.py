"""Identity: who is who, resolved over the feeds before dbt, then seeded into the live graph."""

import dagster as dg

from rtp import wiring
from rtp.clock import Clock
from rtp.settings import Settings
from rtp.stores.identity_links import seed_identities, write_identity_links
from rtp_dagster.in_step import brought
from rtp_dagster.naming import feed_key, lake_key, live_key, published_key, spec
from rtp_dagster.project import Project
from rtp_dagster.redis_work import on_redis
from rtp_dagster.reporting import ROWS

REFERRING = ("customers", "order_lines", "offer_targets", "offer_redemptions", "consents")
"""Feeds that name customers."""


def definitions(project: Project) -> dg.Definitions:
    """The links that dbt joins on, and the same in Redis, once they have passed the checks."""
    links = spec(
        lake_key("identity"),
        stage="identity",
        about="Which reference of which system, and which identifier, is which customer; resolved before dbt runs.",
        kinds={"parquet", "python"},
        sources=project.sources,
        deps=[feed_key(table) for table in REFERRING],
    )
    graph = spec(
        live_key("identity"),
        stage="identity",
        about="The identity graph that events and look-ups resolve against; what is linked live stays.",
        kinds={"redis"},
        sources=project.sources,
        deps=[lake_key("identity"), published_key("customer_identifier")],
    )

    @dg.multi_asset(name="resolve_identities", specs=[links])
    def resolve_identities(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
        spelling = wiring.identity_rules(settings).spelling
        found = write_identity_links(wiring.lake(settings), wiring.keyed_hash(settings), spelling=spelling)
        customers = {customer for _, _, customer in found.customers}
        return dg.MaterializeResult(
            metadata={ROWS: len(found.customers), "identifiers": len(found.identifiers), "customers": len(customers)}
        )

    @dg.multi_asset(name="seed_identity_graph", specs=[graph])
    def seed_identity_graph(
        settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
    ) -> dg.MaterializeResult[None]:
        lake = wiring.lake(settings)
        with brought(settings, live_key("identity")):
            new = on_redis(
                settings, lambda client: seed_identities(lake, wiring.identity_graph(settings, client), clock)
            )
        return dg.MaterializeResult(metadata={"new customers": new})

    return dg.Definitions(assets=[resolve_identities, seed_identity_graph])
