"""Optimization: the ranker, trained on the published sales, judged, and put to use if it passes its gate."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from rtp import wiring
from rtp.clock import Clock, to_micros
from rtp.decisioning.policy import load_policy
from rtp.decisioning.score import Manifest
from rtp.features.values import FeatureRow
from rtp.optimization.train import train
from rtp.settings import Settings
from rtp.stores.live_past import archived_live_rows
from rtp.stores.marts import marts_session
from rtp.stores.models import publish_ranker
from rtp_dagster.naming import lake_key, model_key, published_key, spec
from rtp_dagster.pictures import calibration_picture, importance_picture
from rtp_dagster.project import Project
from rtp_dagster.reporting import ROWS, table

GATE = "beats_own_frequency"


def definitions(project: Project) -> dg.Definitions:
    """A model that fails its gate is kept and shown; the one in use stays."""
    described = spec(
        model_key("ranker"),
        stage="optimization",
        about="The next-best-action ranker: learns from purchases, is judged on later ones, goes live by its gate.",
        kinds={"xgboost", "python"},
        sources=project.sources,
        deps=[
            *(published_key(mart) for mart in ("order_line", "product", "store")),
            model_key("catalog"),
            lake_key("events"),
        ],
    )
    gate = dg.AssetCheckSpec(
        GATE, asset=model_key("ranker"), description="Better than the customer's own frequency, beyond doubt."
    )

    @dg.multi_asset(name="train_ranker", specs=[described], check_specs=[gate])
    def train_ranker(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        policy = load_policy(settings.config_dir / "policy" / "bench.yaml")
        lake = wiring.lake(settings)

        def live_rows(asked: Sequence[tuple[str, int]]) -> Sequence[FeatureRow]:
            return archived_live_rows(lake, asked)

        with marts_session(lake) as connection:
            trained = train(connection, policy, now=to_micros(clock()), live_rows=live_rows, report=context.log.info)
        live = publish_ranker(settings.models_dir, trained.booster, trained.manifest)
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(trained.manifest.version), metadata=_metadata(trained.manifest, live)
        )
        yield dg.AssetCheckResult(
            check_name=GATE,
            passed=trained.manifest.passes,
            severity=dg.AssetCheckSeverity.WARN,
            description=trained.manifest.verdict,
        )

    return dg.Definitions(assets=[train_ranker])


def _metadata(manifest: Manifest, live: bool) -> dict[str, Any]:
    return {
        ROWS: manifest.rows,
        "version": manifest.version,
        "live": live,
        "verdict": manifest.verdict,
        **{name: round(value, 5) for name, value in manifest.metrics.items()},
        "baselines": table({"baseline": name, "value": round(value, 5)} for name, value in manifest.baseline.items()),
        "periods": table({"period": name, "days": value} for name, value in manifest.window.items()),
        "importance": importance_picture(manifest.importance),
        "calibration": calibration_picture(manifest.calibration_bins),
    }
