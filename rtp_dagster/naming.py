"""The words of the graph: asset keys, groups, and what every asset says about itself."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from rtp.stores.sources import Sources

STAGES = (
    "signals", "identity", "features", "profile", "inventory",
    "decisioning", "activation", "measurement", "optimization", "quality",
)  # fmt: skip
"""Group names, in the order of the loop."""

WAREHOUSE_POOL = "warehouse"
"""Everything that opens the DuckDB file runs in this pool, one at a time."""


def lake_key(table: str) -> dg.AssetKey:
    """Files of the lake: a feed, an archived stream, or "identity"."""
    return dg.AssetKey(["lake", table])


def feed_key(table: str) -> dg.AssetKey:
    """The files of a loaded table; `lake/events` is the archive of the log, events from files are beside it."""
    return lake_key("event_files" if table == "events" else table)


def dbt_key(model: str) -> dg.AssetKey:
    """A table of the warehouse."""
    return dg.AssetKey(["dbt", model])


def published_key(mart: str) -> dg.AssetKey:
    """A mart as others read it: Parquet behind the version pointer."""
    return dg.AssetKey(["published", mart])


def feast_key(view: str) -> dg.AssetKey:
    """A feature view in the online store."""
    return dg.AssetKey(["feast", view])


def model_key(name: str) -> dg.AssetKey:
    """What decisions are made with: "catalog", "ranker"."""
    return dg.AssetKey(["models", name])


def live_key(name: str) -> dg.AssetKey:
    """State that lives in Redis beside the online store: "event_log", "identity", "stock", "consents"."""
    return dg.AssetKey(["live", name])


def audience_key(audience: str) -> dg.AssetKey:
    """An audience as last sent."""
    return dg.AssetKey(["audiences", audience])


def spec(
    key: dg.AssetKey,
    *,
    stage: str,
    about: str,
    kinds: set[str],
    sources: Sources,
    deps: Iterable[dg.AssetKey] = (),
    feed: str = "",
    owner: str = "",
    metadata: Mapping[str, Any] | None = None,
    partitions: dg.PartitionsDefinition[str] | None = None,
    skippable: bool = False,
) -> dg.AssetSpec:
    """An asset with its stage's owner and freshness, or its feed's where it is one."""
    owner = owner or sources.owner(stage, feed)
    return dg.AssetSpec(
        key=key,
        deps=list(deps),
        description=about,
        group_name=stage,
        kinds=kinds,
        owners=[owner] if owner else None,
        metadata=dict(metadata or {}),
        partitions_def=partitions,
        skippable=skippable,
        freshness_policy=freshness(sources, stage, feed),
    )


def freshness(sources: Sources, stage: str, feed: str = "") -> dg.FreshnessPolicy | None:
    """Late after what `config/sources.yaml` says, warned about at three quarters of it."""
    within = sources.fresh_within(stage, feed)
    return dg.FreshnessPolicy.time_window(fail_window=within, warn_window=within * 0.75) if within else None
