"""Latencies are told as they were, and nothing measured is not zero."""

from rtp.simulation.recorder import Latency, summarize


def test_nothing_measured_has_no_latency() -> None:
    assert summarize([]) is None


def test_the_slowest_of_a_hundred_is_the_99th_percentile() -> None:
    assert summarize([0.001] * 99 + [0.5]) == Latency(100, 1.0, 500.0)
