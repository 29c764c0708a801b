"""`rtp bench ingest` measures what it says, on few events."""

import pytest

from rtp.benchmarks.ingest import run


def test_it_measures_throughput_latency_the_floor_the_stages_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(customers=200, events=600, rate=100, seconds=1)
    figures = {row.name: row.value for row in result.rows}
    assert figures["customers"] == 200
    assert (figures["probes"], figures["probes_single"]) == (5, 100), "every probe was seen"
    wanted = {"new_applied", "accepted", "applied", "floor_xadd", "floor_xreadgroup", "memory_log", "memory_customer"}
    wanted |= {"accepted_to_feature_p50", "accepted_to_feature_p99", "cpu_worker", "cpu_api", "cpu_redis", "cpu_load"}
    stages = ("parse", "append", "read", "link", "load", "fold", "compare_and_set", "project", "acknowledge")
    for name in wanted | {f"stage_{each}" for each in stages}:
        assert figures[name] > 0, name
    assert capsys.readouterr().out == "", "standard output is for the result"
