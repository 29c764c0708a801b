"""Identity: who is who, resolved over the feeds before dbt, then seeded into the live graph."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from rtp import wiring
from rtp.clock import Clock
from rtp.identity.linkage.model import LinkageModel
from rtp.settings import Settings
from rtp.stores.identity_linkage import LinkageReport
from rtp.stores.identity_links import seed_identities, write_linked_identities
from rtp.stores.linkage_lake import ReviewLink, read_rows
from rtp_dagster.in_step import brought
from rtp_dagster.naming import feed_key, lake_key, live_key, model_key, published_key, spec
from rtp_dagster.pictures import threshold_picture, weights_picture
from rtp_dagster.project import Project
from rtp_dagster.redis_work import on_redis
from rtp_dagster.reporting import ROWS, table

REFERRING = ("customers", "order_lines", "offer_targets", "offer_redemptions", "consents")
"""Feeds that name customers."""
MOST_SHOWN = 50


def definitions(project: Project) -> dg.Definitions:
    """The links that dbt joins on, and the same in Redis, once they have passed the checks."""
    model = spec(
        model_key("linkage"),
        stage="identity",
        about="What agreement and disagreement of two records is worth, learned from them; used again until outgrown.",
        kinds={"splink", "duckdb"},
        sources=project.sources,
        deps=[feed_key("customers")],
        skippable=True,
    )
    review = spec(
        lake_key("link_review"),
        stage="identity",
        about="Links between records that were held back, with the reason; `rtp identity review` lists them.",
        kinds={"parquet", "splink"},
        sources=project.sources,
        deps=[feed_key("customers"), model_key("linkage")],
    )
    links = spec(
        lake_key("identity"),
        stage="identity",
        about="Which reference of which system, and which identifier, is which customer; resolved before dbt runs.",
        kinds={"parquet", "python"},
        sources=project.sources,
        deps=[*(feed_key(table) for table in REFERRING), model_key("linkage")],
    )
    graph = spec(
        live_key("identity"),
        stage="identity",
        about="The identity graph that events and look-ups resolve against; what is linked live stays.",
        kinds={"redis"},
        sources=project.sources,
        deps=[lake_key("identity"), published_key("customer_identifier")],
    )

    @dg.multi_asset(name="resolve_identities", specs=[model, review, links])
    def resolve_identities(
        settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
    ) -> Iterator[dg.MaterializeResult[None]]:
        lake, rules = wiring.lake(settings), wiring.identity_rules(settings)
        apart = on_redis(settings, lambda client: wiring.identity_graph(settings, client).apart())
        found, report = write_linked_identities(
            lake, wiring.keyed_hash(settings), rules, settings.models_dir, clock, apart=apart
        )
        if report.model:
            yield dg.MaterializeResult(
                asset_key=model.key,
                data_version=dg.DataVersion(report.model.version),
                metadata=_model_metadata(report.model, learned=report.learned),
            )
        yield dg.MaterializeResult(asset_key=review.key, metadata=_review_metadata(read_rows(lake, ReviewLink), report))
        customers = {customer for _, _, customer in found.customers}
        yield dg.MaterializeResult(
            asset_key=links.key,
            metadata={
                ROWS: len(found.customers), "identifiers": len(found.identifiers), "customers": len(customers),
                **_linkage_metadata(report),
            },
        )  # fmt: skip

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


def _model_metadata(model: LinkageModel, *, learned: bool) -> dict[str, Any]:
    share = model.recall.share
    return {
        "version": model.version,
        "learned in this run": learned,
        "records it was learned for": model.records,
        "columns": ", ".join(model.meanings),
        "threshold (match weight)": round(model.threshold, 2),
        "one pair in": round(1 / model.share),
        **({} if share is None else {"blocking lets through": round(share, 4)}),
        "blocking recall judged by (pairs)": model.recall.found,
        "pairs by blocking rule": table(
            {"rule": rule, "pairs": pairs} for rule, pairs in sorted(model.blocking.by_rule.items())
        ),
        "match weights": weights_picture(model.weights),
        "threshold": threshold_picture(model.curve, model.threshold),
    }


def _review_metadata(held: Sequence[ReviewLink], report: LinkageReport) -> dict[str, Any]:
    shown = sorted(held, key=lambda each: -each.match_weight)[:MOST_SHOWN]
    rows = (
        {
            "reason": each.reason, "left": ":".join(each.ends[0]), "right": ":".join(each.ends[1]),
            "match weight": round(each.match_weight, 1), "detail": each.detail,
        }
        for each in shown
    )  # fmt: skip
    return {
        ROWS: len(held),
        **{f"held back: {reason}": number for reason, number in report.held.items()},
        "first": table(rows),
    }


def _linkage_metadata(report: LinkageReport) -> dict[str, Any]:
    if report.why_not:
        return {"linkage": report.why_not}
    return {
        "records compared anew": report.fresh,
        "pairs compared": report.compared,
        "probable links": len(report.links),
        "customers linked into another": len(report.pairs),
    }
