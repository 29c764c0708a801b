"""Training a ranker: learn from one period of sales, be judged on the next, and pass the gate or not.

            first sale ········ learned_from ········ judged_from ········ last sale
    catalogue of the rows  |─────────────|
    baskets to foretell                  |────────────────|
    catalogue of the judgement  |─────────────────────────|
    first basket of each customer                         |──────────────|

The model that is judged is the one that goes live.
"""

from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import msgspec
import numpy as np

from rtp.clock import from_micros
from rtp.decisioning.catalog import Catalog
from rtp.decisioning.policy import Policy
from rtp.decisioning.score import Manifest, Ranker
from rtp.errors import Rejected
from rtp.features.past import LiveRows, nobody_watched
from rtp.optimization import baselines
from rtp.optimization.catalog_build import build_catalog
from rtp.optimization.evaluate import Scores, calibration_bins, calibration_error, difference
from rtp.optimization.examples import Example, examples
from rtp.optimization.fit import Settings, importance
from rtp.optimization.groups import Labels
from rtp.optimization.learn import FEWEST_EXAMPLES, Learned, learn, scored
from rtp.optimization.sales import Window, query

DAY = 86_400
JUDGED_DAYS = 28
LEARNED_DAYS = 42
Report = Callable[[str], None]


class Periods(msgspec.Struct, frozen=True):
    """Seconds since 1970 UTC."""

    learned_from: int
    judged_from: int
    until: int


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """A model, and in its manifest everything that was found out about it."""

    booster: Any
    manifest: Manifest


def periods(db: duckdb.DuckDBPyConnection, until: int) -> Periods:
    """The last four weeks judge, the six before teach; less of each where history is short."""
    span = query(
        db,
        "select min(epoch_us(ordered_at)) // 1000000 as first, max(epoch_us(ordered_at)) // 1000000 as last"
        " from order_line where epoch_us(ordered_at) // 1000000 < ?",
        [until],
    )
    if not np.isfinite(span["first"][0]) or span["last"][0] <= span["first"][0]:
        raise Rejected("There are no sales to learn from.", reason="TOO_FEW_SALES", hint="Load order lines: rtp load.")
    first, last = int(span["first"][0]), int(span["last"][0]) + 1
    judged = last - min(JUDGED_DAYS * DAY, (last - first) * 15 // 100)
    return Periods(judged - min(LEARNED_DAYS * DAY, (last - first) * 25 // 100), judged, last)


def train(
    db: duckdb.DuckDBPyConnection,
    policy: Policy,
    *,
    now: int,
    settings: Settings | None = None,
    min_lines: int = 1,
    live_rows: LiveRows = nobody_watched,
    report: Report = lambda _line: None,
) -> Trained:
    """Trains and judges a ranker on sales before `now` (µs). Raises Rejected where there are too few.

    `db` has the views that `build_catalog` needs; `policy` is the one that rankings are compared under (`bench`);
    `live_rows` tell what customers had been doing before their baskets, from what is archived of them.
    """
    settings = settings or Settings()
    span = periods(db, now // 1_000_000)
    report("building the catalogue to learn with")
    learning = build_catalog(db, Window(as_of=span.learned_from, min_lines=min_lines))
    taught = Labels(since=span.learned_from, most=settings.groups)
    teaching = examples(db, learning, Window(as_of=span.judged_from), taught, live_rows)
    report(f"learning from {len(teaching):,} baskets")
    learned = learn(learning, teaching, settings)
    report("building the catalogue to judge with")
    judging = build_catalog(db, Window(as_of=span.judged_from, min_lines=min_lines))
    asked = examples(db, judging, Window(as_of=span.until), Labels(since=span.judged_from, first_only=True), live_rows)
    asked = [example for example in asked if len(example.truth)]
    if len(asked) < FEWEST_EXAMPLES:
        raise Rejected(
            f"Only {len(asked)} customers came back in the last weeks: too few to judge a model by.",
            reason="TOO_FEW_SALES", hint=f"At least {FEWEST_EXAMPLES} are needed; load a longer history.",
        )  # fmt: skip
    draft = manifest_of(learned, judging, settings, span, now)
    report(f"judging by {len(asked):,} customers")
    return judged_by(learned.booster, draft, judging, asked, policy)


def judged_by(booster: Any, draft: Manifest, catalog: Catalog, asked: Sequence[Example], policy: Policy) -> Trained:
    """The model with its figures on these examples, beside those of the baselines."""
    booster.set_param({"nthread": 1})
    scores = baselines.compared(catalog, Ranker(booster, draft), policy, asked)
    margin, label = scored(catalog, asked, booster, draft.features)
    bins = calibration_bins(Ranker(booster, draft).said(margin), label)
    model, own = scores[baselines.MODEL], scores[baselines.OWN]
    recall_gain, ndcg_gain = difference(model.recall, own.recall), difference(model.ndcg, own.ndcg)
    manifest = msgspec.structs.replace(
        draft,
        metrics={
            **model.means(), "customers": float(len(asked)), "calibration_error": calibration_error(bins),
            "recall@10_gain": recall_gain.mean, "recall@10_gain_low": recall_gain.low,
            "recall@10_gain_high": recall_gain.high, "ndcg@10_gain": ndcg_gain.mean,
        },
        baseline=baseline_metrics(scores),
        calibration_bins=bins,
    )  # fmt: skip
    return Trained(booster=booster, manifest=manifest)


def baseline_metrics(scores: dict[str, Scores]) -> dict[str, float]:
    """Means of every baseline, as "<baseline>:<metric>"."""
    return {
        f"{name}:{metric}": value
        for name, each in scores.items()
        if name != baselines.MODEL
        for metric, value in each.means().items()
    }


def manifest_of(learned: Learned, catalog: Catalog, settings: Settings, span: Periods, now: int) -> Manifest:
    """What is known of a model before it is judged."""
    import xgboost

    def day(moment: int) -> str:
        return from_micros(moment * 1_000_000).isoformat()

    return Manifest(
        version=f"{from_micros(now):%Y%m%dT%H%M%S}-{catalog.version[:6]}",
        objective=settings.objective,
        features=learned.features,
        calibration=learned.calibration,
        trained_at=now,
        window={
            "learned_from": day(span.learned_from), "judged_from": day(span.judged_from), "until": day(span.until),
        },
        parameters=msgspec.to_builtins(settings),
        metrics={},
        baseline={},
        rows=learned.rows,
        groups=learned.groups,
        importance=importance(learned.booster),
        catalog_version=catalog.version,
        library=f"xgboost {xgboost.__version__}",
    )  # fmt: skip
