"""What the worker tells about itself: counts and times, never an identifier."""

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

from rtp.signals.event import LogEntry
from rtp.signals.log import Accounting, Verdict

EVENTS = Counter("rtp_worker_events", "Log entries processed since this worker started.", ["outcome"])
EFFECTS = Counter("rtp_worker_effects", "Effects carried out since this worker started.", ["kind"])
RETRIES = Counter("rtp_worker_retries", "Batches, or effects, that had to be tried again.", ["what"])
PARTITIONS = Gauge("rtp_worker_partitions", "Partitions that this worker holds.")
EVENT_TO_FEATURE = Histogram(
    "rtp_event_to_feature_seconds",
    "From the receipt of an event until every reader can see what it changed.",
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 60, 600),
)
LOG = Gauge("rtp_event_log_entries", "All entries ever appended, by what became of them.", ["outcome"])
STAGES = Counter(
    "rtp_worker_stage_seconds",
    "Time that batches spent in each stage, waiting for Redis included; two batches may be under way.",
    ["stage"],
)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Adds the time spent inside to the stage's."""
    begin = perf_counter()
    try:
        yield
    finally:
        STAGES.labels(name).inc(perf_counter() - begin)


def observe(verdicts: Sequence[Verdict]) -> None:
    """Counts entries that are done."""
    for outcome, count in Tally(each.counted for each in verdicts).items():
        EVENTS.labels(outcome).inc(count)


def observe_visible(entries: Sequence[LogEntry], now: int) -> None:
    """Notes that readers can see what entries changed; `now` in microseconds."""
    for each in entries:
        EVENT_TO_FEATURE.observe(max(0, now - each.event.received_at) / 1_000_000)


def observe_log(accounting: Accounting) -> None:
    """Shows the log's own counters, which survive every crash."""
    LOG.labels("accepted").set(accounting.accepted)
    LOG.labels("applied").set(accounting.applied)
    LOG.labels("duplicate").set(accounting.duplicates)
    LOG.labels("rejected").set(accounting.rejected)
    LOG.labels("pending").set(accounting.pending)
