"""Profile: consents of the feeds into the live consent that decisions ask."""

import dagster as dg

from rtp import wiring
from rtp.settings import Settings
from rtp.stores.identity_links import seed_consents
from rtp_dagster.in_step import brought
from rtp_dagster.naming import feed_key, lake_key, live_key, published_key, spec
from rtp_dagster.project import Project
from rtp_dagster.redis_work import on_redis
from rtp_dagster.reporting import ROWS


def definitions(project: Project) -> dg.Definitions:
    """A later word of the shopper's own always outweighs the feed's."""
    described = spec(
        live_key("consents"),
        stage="profile",
        about="What each customer said yes or no to, as decisions and deliveries ask it; unknown is no.",
        kinds={"redis"},
        sources=project.sources,
        deps=[feed_key("consents"), lake_key("identity"), live_key("identity"), published_key("customer_profile")],
    )

    @dg.multi_asset(name="seed_consents", specs=[described])
    def seed_live_consents(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
        lake = wiring.lake(settings)
        with brought(settings, live_key("consents")):
            files = wiring.quality_gate(settings).accepted_files("consents")
            rows = on_redis(settings, lambda client: seed_consents(lake, wiring.consent(client), files))
        return dg.MaterializeResult(metadata={ROWS: rows})

    return dg.Definitions(assets=[seed_live_consents])
