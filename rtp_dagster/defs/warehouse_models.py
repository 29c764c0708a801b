"""dbt's models, of every stage: built by one command, one asset each, their tests as checks."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from rtp_dagster.days import day_asked
from rtp_dagster.naming import WAREHOUSE_POOL
from rtp_dagster.project import Project
from rtp_dagster.resources import Warehouse


def definitions(project: Project) -> dg.Definitions:
    """One step for all models: starting dbt costs more than most of them."""

    @dbt_assets(
        name="warehouse",
        manifest=project.manifest,
        dagster_dbt_translator=project.translator,
        pool=WAREHOUSE_POOL,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
    )
    def warehouse_models(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> Iterator[Any]:
        yield from warehouse.build(day_asked(context.run.tags), context)

    return dg.Definitions(assets=[warehouse_models])
