"""Signals: what the retailer loaded, what the log archived, and the log itself."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from rtp import wiring
from rtp.settings import Settings
from rtp.signals.feeds import CONTRACTS, TableContract
from rtp.stores.lake import Lake
from rtp.stores.lake_facts import day_folder, folder_facts
from rtp_dagster.naming import feed_key, lake_key, live_key, spec
from rtp_dagster.project import Project
from rtp_dagster.reporting import column_schema, facts_metadata

ARCHIVED = {
    "events": "What shoppers did, as the collector accepted it: archived from the event log by day received.",
    "decisions": "What was decided for whom and why: archived by day.",
    "activations": "What was sent where, and what became of it: archived by day.",
    "movements": "Stock counts, sales, receipts and transfers that were posted: archived by day.",
    "rejected": "Events that were refused, with the reason: kept until they are replayed.",
}


def definitions(project: Project) -> dg.Definitions:
    """Feeds and archives are observed: their files come from outside Dagster."""
    return dg.Definitions(assets=[_feeds(project), *_archives(project), _event_log(project)])


def _feeds(project: Project) -> Any:
    tables = {feed_key(table.name): table for table in CONTRACTS.values()}

    @dg.multi_observable_source_asset(  # type: ignore[untyped-decorator]
        name="feeds", specs=[_feed_spec(project, table) for table in CONTRACTS.values()], can_subset=True
    )
    def observe(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[dg.ObserveResult]:
        for key in sorted(context.selected_asset_keys):
            yield _observed_feed(key, wiring.lake(settings), tables[key].name)

    return observe


def _feed_spec(project: Project, table: TableContract) -> dg.AssetSpec:
    columns = [(column.name, column.kind.sql_type) for column in table.columns]
    about = {column.name: column.about for column in table.columns if column.about}
    return spec(
        feed_key(table.name),
        stage="signals",
        about=f"{table.about}. One row per {', '.join(table.keys)}; brought by `rtp load`.",
        kinds={"parquet", "source"},
        sources=project.sources,
        feed=table.name,
        metadata={"dagster/column_schema": column_schema(columns, about), "dagster/table_name": f"lake.{table.name}"},
    )


def _observed_feed(key: dg.AssetKey, lake: Lake, table: str) -> dg.ObserveResult:
    facts = folder_facts(lake.feed(table))
    quarantined = folder_facts(lake.quarantine(table)).rows
    return dg.ObserveResult(
        asset_key=key,
        data_version=dg.DataVersion(facts.version),
        metadata=facts_metadata(facts, lake.feed(table)) | {"quarantined rows": quarantined},
    )


def _archives(project: Project) -> list[dg.AssetSpec]:
    return [
        spec(
            lake_key(stream),
            stage="signals",
            about=about,
            kinds={"parquet"},
            sources=project.sources,
            deps=[live_key("event_log")] if stream in {"events", "rejected"} else [],
            partitions=project.days,
        )
        for stream, about in ARCHIVED.items()
    ]


def _event_log(project: Project) -> dg.AssetSpec:
    return spec(
        live_key("event_log"),
        stage="signals",
        about="Events as they come in, in Redis Streams: durable before the collector answers, archived once folded.",
        kinds={"redis", "stream"},
        sources=project.sources,
    )


def archived_day(lake: Lake, stream: str, day: date) -> dg.AssetMaterialization:
    """What the archive holds of one day received."""
    folder = day_folder(lake.archive(stream), day)
    return dg.AssetMaterialization(
        asset_key=lake_key(stream), partition=day.isoformat(), metadata=facts_metadata(folder_facts(folder), folder)
    )
