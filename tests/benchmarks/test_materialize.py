"""`rtp bench materialize` measures what it says, on few rows."""

import warnings

import pytest

from rtp.benchmarks.materialize import VIEW, run


def test_it_measures_feast_ours_and_the_floor(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run(rows=300, repetitions=1)
    figures = {row.name: row.value for row in result.rows}
    assert figures["rows"] == 300
    assert figures["features"] == len(VIEW.features) == 20
    for name in ("feast_materialize", "rtp_materialize", "redis_floor"):
        assert figures[name] > 0, name
    assert set(result.ratios) == {"rtp_over_feast", "rtp_again_over_feast", "rtp_over_floor"}
    assert capsys.readouterr().out == "", "standard output is for the result"
