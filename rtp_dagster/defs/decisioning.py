"""Decisioning: the catalogue that candidates come from, rebuilt with the marts and swapped in without a pause."""

import dagster as dg

from rtp import wiring
from rtp.optimization.catalog_build import build_catalog
from rtp.optimization.sales import Window
from rtp.settings import Settings
from rtp.stores.marts import marts_moment, marts_session
from rtp.stores.models import save_catalog
from rtp_dagster.naming import model_key, published_key, spec
from rtp_dagster.project import Project
from rtp_dagster.reporting import ROWS


def definitions(project: Project) -> dg.Definitions:
    """The API looks at the pointer every two seconds."""
    described = spec(
        model_key("catalog"),
        stage="decisioning",
        about="Habits, co-purchases, what sells where and product facts as arrays: candidates and their features.",
        kinds={"numpy", "duckdb"},
        sources=project.sources,
        deps=[published_key(mart) for mart in ("order_line", "product", "store")],
    )

    @dg.multi_asset(name="build_catalog", specs=[described])
    def catalog(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
        lake = wiring.lake(settings)
        with marts_session(lake) as connection:
            built = build_catalog(connection, Window(as_of=marts_moment(lake) // 1_000_000))
        save_catalog(settings.models_dir, built)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(built.version),
            metadata={
                ROWS: len(built.products.ids),
                "customers": len(built.customers.ids),
                "stores": len(built.stores.ids),
                "version": built.version,
            },
        )

    return dg.Definitions(assets=[catalog])
