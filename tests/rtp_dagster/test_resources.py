"""Models that a build leaves out are reported in the order in which they read each other."""

import dagster as dg

from rtp_dagster.resources import _left_out


def keys(*names: str) -> list[dg.AssetKey]:
    return [dg.AssetKey(["dbt", name]) for name in names]


def test_what_a_built_model_reads_is_reported_before_it_and_its_readers_after() -> None:
    z_source, staging, built, reader = keys("z_source", "staging", "built", "reader")
    reads = {staging: [z_source], built: [staging], reader: [built, z_source], z_source: keys("outside")}
    before, after = _left_out(reads, set(reads), {"z_source", "staging", "reader"})
    assert before == [z_source, staging]
    assert after == [reader]
