"""The figures that a model is judged by, against values worked out by hand."""

import numpy as np
import pytest

from rtp.optimization.evaluate import calibration_bins, calibration_error, difference, judged


def test_recall_and_ndcg_of_rankings_worked_out_by_hand() -> None:
    truth = [np.array([1, 2]), np.array([9])]
    scores = judged([np.array([1, 5, 2, 7]), np.array([3, 4])], truth)
    ideal = 1 + 1 / np.log2(3)
    assert scores.recall.tolist() == [1.0, 0.0]
    assert scores.ndcg[0] == pytest.approx((1 + 1 / np.log2(4)) / ideal)
    assert scores.ndcg[1] == 0
    assert scores.means()["recall@10"] == 0.5


def test_only_the_first_ten_places_count_and_the_ideal_fills_ten() -> None:
    ranking, truth = np.arange(20), np.arange(5, 25)
    scores = judged([ranking], [truth])
    assert scores.recall[0] == 5 / 20
    discount = 1 / np.log2(np.arange(2, 12))
    assert scores.ndcg[0] == pytest.approx(discount[5:].sum() / discount.sum())


def test_a_small_even_gain_is_better_beyond_doubt_and_a_noisy_one_is_not() -> None:
    draw = np.random.default_rng(1)
    base = draw.random(400)
    assert difference(base + 0.01, base).better
    noisy = difference(base + draw.normal(0, 0.5, 400), base)
    assert not noisy.better
    assert noisy.low < noisy.mean < noisy.high
    assert difference(base, base + 0.01).high < 0


def test_the_same_draws_give_the_same_interval() -> None:
    draw = np.random.default_rng(2)
    one, other = draw.random(50), draw.random(50)
    assert difference(one, other) == difference(one, other)


def test_probabilities_that_come_true_as_often_as_said_have_no_calibration_error() -> None:
    draw = np.random.default_rng(3)
    said = draw.random(50_000).astype(np.float32)
    came = (draw.random(50_000) < said).astype(np.float32)
    assert calibration_error(calibration_bins(said, came)) < 0.01
    assert calibration_error(calibration_bins(said * 0.5, came)) > 0.2
