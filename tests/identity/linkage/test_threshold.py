"""The threshold is chosen by precision."""

import numpy as np
import pytest

from rtp.identity.linkage.splinking import Scores, probability
from rtp.identity.linkage.threshold import choose, curve
from rtp.identity.linkage.train import fit_share


def scores(*weights: float) -> Scores:
    numbers = np.arange(len(weights), dtype=np.int64)
    return Scores(numbers, numbers + len(weights), np.array(weights, dtype=np.float64))


def test_it_is_the_lowest_weight_that_still_reaches_the_precision() -> None:
    found = scores(10.0, 8.0, 6.0, 2.0, 0.5, -3.0)
    threshold = choose(found, precision=0.94)
    assert threshold == 2.0
    assert probability(found.weight[:4]).mean() >= 0.94 > probability(found.weight[:5]).mean()


def test_nobody_is_linked_who_is_more_likely_somebody_else() -> None:
    assert choose(scores(-1.0, -5.0), precision=0.5) == 0.0


def test_a_pair_that_is_sure_by_itself_is_linked_whatever_the_others_are() -> None:
    sure = np.log2(0.99 / 0.01)
    assert choose(scores(), precision=0.99) == pytest.approx(sure)
    assert choose(scores(20.0, 9.0), precision=0.99) == pytest.approx(sure)
    assert choose(scores(0.1, 0.1), precision=0.99) == pytest.approx(sure)


def test_the_curve_trades_precision_for_recall() -> None:
    points = curve(scores(12.0, 9.0, 3.0, 0.0, -4.0, -9.0))
    assert [point.precision for point in points] == sorted(point.precision for point in points)
    assert [point.recall for point in points] == sorted((point.recall for point in points), reverse=True)


def test_the_share_settles_where_the_model_believes_in_as_many_pairs_as_it_expects() -> None:
    found = scores(*[15.0] * 30, *[-12.0] * 500)
    share, at_share = fit_share(found, 0.0001, possible=100_000)
    assert share == pytest.approx(float(probability(at_share.weight).sum()) / 100_000, rel=1e-6)
    assert 29 < share * 100_000 < 31
