"""Training learns from what came before, is judged on what came after, and the gate holds."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pytest

from rtp.decisioning.candidates import candidates
from rtp.decisioning.catalog import Catalog
from rtp.decisioning.live_columns import LIVE_COLUMNS, learnable
from rtp.decisioning.policy import load_policy
from rtp.decisioning.score import Manifest
from rtp.decisioning.vector import COLUMN, FEATURES, chosen, vectors
from rtp.errors import Fatal, NotFound, Rejected
from rtp.features.live import empty_state, fold, project
from rtp.features.values import FeatureRow
from rtp.optimization.catalog_build import build_catalog
from rtp.optimization.examples import examples, rows
from rtp.optimization.fit import Settings, calibrate
from rtp.optimization.groups import Labels
from rtp.optimization.learn import learn
from rtp.optimization.sales import Window
from rtp.optimization.train import Trained, periods, train
from rtp.settings import checkout_root
from rtp.stores.models import ModelFolder, load_ranker, promote, rankers, rollback, save_catalog, save_ranker
from tests.decisioning.conftest import AS_OF, NOW
from tests.features.events import NOW as SEEN_AT
from tests.features.events import track
from tests.making import SECOND

END = int(AS_OF.timestamp())


def test_an_example_knows_nothing_of_its_basket_or_after(shop: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    found = examples(shop, catalog, Window(as_of=END), Labels(from_end=(3, 5), most=50))
    assert len(found) == 50
    for example in found:
        assert example.habits.last_at.max() < example.context.at
        bought = shop.execute(
            "select count(distinct o) from raw where c = ? and at_s < ?", [example.customer_id, example.context.at]
        ).fetchall()[0][0]
        assert example.habits.stats[0] == bought
        assert len(example.truth)


def test_a_vector_in_training_is_the_vector_in_serving(shop: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """A catalogue built just before each customer's last basket serves the same vectors that training makes."""
    earlier = build_catalog(shop, Window(as_of=END, hold_out=1))
    again = examples(shop, earlier, Window(as_of=END), Labels(from_end=(1, 1)))
    for example in again[:10]:
        habits = earlier.habits(example.customer_id)
        assert habits is not None
        found = candidates(earlier, habits, example.context)
        served = vectors(earlier, habits, found, example.context)
        trained = vectors(earlier, example.habits, found, example.context)
        np.testing.assert_allclose(served, trained, rtol=1e-4, atol=1e-5)
    assert len(again) == 40


def test_rows_hold_every_purchase_among_the_candidates_and_few_others(
    shop: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    found = examples(shop, catalog, Window(as_of=END), Labels(from_end=(1, 3), most=40))
    made = rows(catalog, found, negatives=10, seed=1)
    assert made.matrix.shape == (int(made.sizes.sum()), len(FEATURES))
    begin = 0
    for size in made.sizes:
        label = made.label[begin : begin + size]
        assert 1 <= label.sum() <= size
        assert (label == 0).sum() <= 10
        begin += size


def test_periods_follow_each_other(shop: duckdb.DuckDBPyConnection) -> None:
    span = periods(shop, END)
    assert span.learned_from < span.judged_from < span.until <= END
    with pytest.raises(Rejected, match="no sales"):
        periods(shop, 1)


def test_the_manifest_says_what_the_model_is(trained: Trained) -> None:
    manifest = trained.manifest
    assert manifest.features == tuple(name for name in FEATURES if name not in LIVE_COLUMNS), "nobody was watched"
    assert manifest.metrics["recall@10"] > manifest.baseline["most_popular:recall@10"]
    assert 0 < sum(manifest.importance.values()) <= 1.001
    assert len(manifest.calibration_bins) == 10
    assert manifest.metrics["calibration_error"] < 0.1
    assert manifest.window["learned_from"] < manifest.window["judged_from"] < manifest.window["until"]


def test_sigmoid_calibration_recovers_the_curve_that_made_the_outcomes() -> None:
    draw = np.random.default_rng(5)
    margin = draw.normal(0, 2, 100_000).astype(np.float32)
    label = draw.random(100_000) < 1 / (1 + np.exp(-(1.7 * margin - 2.0)))
    assert calibrate(margin, label) == pytest.approx((1.7, -2.0), abs=0.05)


def test_too_short_a_history_is_refused_in_words(shop: duckdb.DuckDBPyConnection) -> None:
    db = duckdb.connect()
    for view in ("product", "store"):
        db.register(view, shop.sql(f"select * from {view}").to_arrow_table())
    db.register("order_line", shop.sql("select * from order_line where customer_id < 'c003'").to_arrow_table())
    policy = load_policy(checkout_root() / "config" / "policy" / "bench.yaml")
    with pytest.raises(Rejected, match=r"too few|can be learned"):
        train(db, policy, now=NOW)


def watched(asked: Sequence[tuple[str, int]]) -> list[FeatureRow]:
    """Two of three customers looked at something ten minutes before each basket."""
    row = project(fold(empty_state(), track("Product Viewed", product_id="p001")), SEEN_AT)
    told = [row | {"as_of": moment - 600 * SECOND} for _, moment in asked]
    return [{} if int(who[1:]) % 3 == 0 else each for (who, _), each in zip(asked, told, strict=True)]


def test_what_shoppers_were_just_doing_is_learned_from_where_enough_were_watched(
    shop: duckdb.DuckDBPyConnection, catalog: Catalog
) -> None:
    """A live column of an example is the row of then, decayed to the moment of its basket, as a decision reads it."""
    found = examples(shop, catalog, Window(as_of=END), Labels(from_end=(1, 3), most=60), watched)
    made = rows(catalog, found, negatives=5, seed=1)
    kept = learnable(made.matrix, FEATURES, share=0.2)
    assert {"live_product_views_24h", "live_views_decayed_1h", "live_events_total"} <= set(kept)
    assert "live_cart_value" not in kept, "nobody had a cart"
    seen = next(example for example in found if example.context.live)
    matrix = vectors(catalog, seen.habits, candidates(catalog, seen.habits, seen.context), seen.context)
    viewed = seen.context.live["views_decayed_1h"]
    assert isinstance(viewed, float)
    np.testing.assert_allclose(matrix[:, COLUMN["live_views_decayed_1h"]], viewed * 0.5 ** (1 / 6), rtol=1e-5)
    learned = learn(catalog, found, Settings(rounds=5, threads=1, min_child_weight=1))
    assert set(LIVE_COLUMNS) & set(learned.features)


def passing(manifest: Manifest, version: str, *, gain: float = 0.01) -> Manifest:
    metrics = {**manifest.metrics, "recall@10_gain_low": gain, "ndcg@10_gain": gain}
    return msgspec.structs.replace(manifest, version=version, metrics=metrics)


def test_a_saved_model_scores_as_the_trained_one(trained: Trained, catalog: Catalog, tmp_path: Path) -> None:
    folder = save_ranker(tmp_path, trained.booster, trained.manifest)
    assert (folder / "model.ubj").exists()
    ranker = load_ranker(folder)
    matrix = np.random.default_rng(1).random((50, len(FEATURES))).astype(np.float32)
    matrix[:, COLUMN["context"]] = np.nan
    taken = chosen(matrix, trained.manifest.features)
    direct = trained.booster.inplace_predict(taken, predict_type="margin", validate_features=False)
    np.testing.assert_allclose(ranker.probabilities(matrix), ranker.said(direct), rtol=1e-6)


def test_only_a_model_that_passed_its_gate_goes_live_and_going_back_is_one_step(
    trained: Trained, tmp_path: Path
) -> None:
    for version, gain in (("v1", 0.01), ("v2", 0.01), ("v3", -0.01)):
        save_ranker(tmp_path, trained.booster, passing(trained.manifest, version, gain=gain))
    promote(tmp_path, "v1")
    promote(tmp_path, "v2")
    with pytest.raises(Rejected, match="did not pass its gate"):
        promote(tmp_path, "v3")
    with pytest.raises(NotFound, match="v1"):
        promote(tmp_path, "v9")
    assert rankers(tmp_path).current() == "v2"
    assert rollback(tmp_path) == "v1"
    with pytest.raises(Rejected, match="No earlier"):
        rollback(tmp_path)
    assert rankers(tmp_path).current() == "v1"


def test_what_serves_is_swapped_when_the_pointer_moves_and_stays_when_a_version_is_broken(
    trained: Trained, catalog: Catalog, tmp_path: Path
) -> None:
    told: list[str] = []
    folder = ModelFolder(tmp_path, on_error=lambda what, _error: told.append(what))
    assert folder.refresh() is False
    assert (folder.catalog, folder.ranker) == (None, None)
    save_catalog(tmp_path, catalog)
    save_ranker(tmp_path, trained.booster, passing(trained.manifest, "v1"))
    promote(tmp_path, "v1")
    assert folder.refresh() is True
    assert folder.catalog is not None
    assert folder.ranker is not None
    assert (folder.catalog.version, folder.ranker.version) == (catalog.version, "v1")
    assert folder.refresh() is False
    broken = save_ranker(tmp_path, trained.booster, passing(trained.manifest, "v2"))
    promote(tmp_path, "v2")
    (broken / "model.ubj").write_bytes(b"cut off")
    assert folder.refresh() is False
    assert folder.ranker.version == "v1"
    assert told == ["ranker v2"]


def test_a_model_that_wants_other_features_is_refused(trained: Trained, tmp_path: Path) -> None:
    other = msgspec.structs.replace(passing(trained.manifest, "v1"), features=("something", "else"))
    save_ranker(tmp_path, trained.booster, other)
    with pytest.raises(Fatal, match="does not compute: something, else"):
        promote(tmp_path, "v1")
