"""What the simulated shoppers saw: counts and latencies, for the live table and the summary."""

import statistics
from collections import Counter, deque
from collections.abc import Sequence

import msgspec


class Latency(msgspec.Struct, frozen=True):
    """A distribution in milliseconds."""

    count: int
    p50: float
    p99: float


def summarize(seconds: Sequence[float]) -> Latency | None:
    """Median and 99th percentile (nearest rank below) in milliseconds; None where nothing was measured."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Latency(len(ordered), statistics.median(ordered) * 1000, p99 * 1000)


class Recorder:
    """Mutable tallies of one simulation."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.events_by_channel: Counter[str] = Counter()
        self.decisions_by_channel: Counter[str] = Counter()
        self.seconds: dict[str, list[float]] = {
            name: [] for name in ("collect", "lookup", "decision", "event_to_feature", "event_to_delivered")
        }
        self.recent: deque[str] = deque(maxlen=8)
        self.broken_promises: list[str] = []

    def latency(self, name: str) -> Latency | None:
        """The distribution of one kind of call so far."""
        return summarize(self.seconds[name])
