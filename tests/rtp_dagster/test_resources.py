"""Models that a build leaves out are reported before what reads them."""

import dagster as dg

from rtp_dagster.resources import _read_by


def test_what_a_built_model_reads_is_reported_before_it_and_only_once() -> None:
    source, view, built, other = (dg.AssetKey(["dbt", name]) for name in ("source", "view", "built", "other"))
    reads, out = {view: [source], built: [view], other: []}, [source, view, other]
    assert _read_by(built, reads, out) == [source, view]
    assert out == [other]
    assert _read_by(built, reads, out) == []
