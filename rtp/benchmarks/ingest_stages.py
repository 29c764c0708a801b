"""Where an event's time goes, and its memory: the engine's own parts, one batch after the other in one process.

Nothing runs beside anything else here, so a stage's processor time is its own; Redis's is asked of Redis.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis import Redis

from rtp import wiring
from rtp.benchmarks.load import EventSource, Sent
from rtp.benchmarks.materialize import redis_server
from rtp.benchmarks.result import Measure
from rtp.clock import system_clock, to_micros
from rtp.errors import Fatal
from rtp.garbage import collect_seldom
from rtp.identity.intake import Accepted, accept
from rtp.settings import Settings, checkout_root
from rtp.signals.event import LogEntry
from rtp.signals.log import WORKER_GROUP
from rtp.signals.parse import Arrival, parse_batch
from rtp.signals.rejection import Rejection
from rtp.stores.event_log_redis import stream_key, verdicts_key
from rtp.worker.assemble import WorkerParts, open_worker

TOGETHER = 200
"""Entries that are processed together."""


class Timers:
    """Processor seconds by stage: this process's, and Redis's."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.ours: dict[str, float] = defaultdict(float)
        self.theirs: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds what is computed inside."""
        theirs, ours = self._redis_time(), time.process_time()
        try:
            yield
        finally:
            self.ours[name] += time.process_time() - ours
            self.theirs[name] += self._redis_time() - theirs

    def _redis_time(self) -> float:
        info = self._redis.info("cpu")
        return float(info["used_cpu_sys"]) + float(info["used_cpu_user"])  # type: ignore[index]


async def stages(*, customers: int, events: int, batch: int) -> list[Measure]:
    """Microseconds an event of each stage, once every customer is known; then Redis's memory."""
    with TemporaryDirectory(prefix="rtp-bench-") as work, redis_server(Path(work)) as url, Redis.from_url(url) as redis:
        root = checkout_root()
        settings = Settings(root=root, state_dir=Path(work) / "state", config_dir=root / "config", redis_url=url)
        source, timers = EventSource(customers=customers, write_key="", host=""), Timers(redis)
        async with open_worker(settings, stage=timers.stage) as parts:
            engine = _Engine(settings, parts, timers)
            empty = int(redis.info("memory")["used_memory"])
            collect_seldom()
            await engine.take(source.first_visits(batch))
            timers.ours.clear()
            timers.theirs.clear()
            await engine.take(source.requests(events // batch, batch))
        return _costs(timers, events) + _memory(redis, settings, empty, customers, customers + events)


class _Engine:
    """What API and worker do with events, without HTTP."""

    def __init__(self, settings: Settings, parts: WorkerParts, timers: Timers) -> None:
        self._keys = wiring.keyed_hash(settings)
        self._spelling = wiring.identity_rules(settings).spelling
        self._parts = parts
        self._timers = timers

    async def take(self, requests: Sequence[Sent]) -> None:
        """From bodies to acknowledged entries."""
        for partition in range(self._parts.log.partitions):
            await self._parts.log.claim(WORKER_GROUP, "bench", partition, idle_ms=0)
        for start in range(0, len(requests), 10):
            await self._append(requests[start : start + 10])
            while entries := await self._read():
                verdicts = await self._parts.processor.process(entries)
                with self._timers.stage("acknowledge"):
                    await self._parts.log.acknowledge(WORKER_GROUP, verdicts)

    async def _append(self, requests: Sequence[Sent]) -> None:
        with self._timers.stage("parse"):
            accepted = [each for request in requests for each in self._parsed(request)]
        with self._timers.stage("append"):
            await self._parts.log.append([(each.partition_key, each.event) for each in accepted])

    def _parsed(self, request: Sent) -> list[Accepted]:
        arrival = Arrival(received_at=to_micros(system_clock()))
        parsed = parse_batch(request.body.partition(b"\r\n\r\n")[2], arrival)
        if isinstance(parsed, Rejection):
            raise Fatal("The benchmark made events that are no events.")
        outcomes = [accept(item, arrival, self._keys, spelling=self._spelling) for item in parsed.batch]
        return [each for each in outcomes if isinstance(each, Accepted)]

    async def _read(self) -> list[LogEntry]:
        log = self._parts.log
        with self._timers.stage("read"):
            return [
                entry
                for partition in range(log.partitions)
                for entry in await log.read(
                    WORKER_GROUP, "bench", partition, count=TOGETHER // log.partitions, block_ms=0
                )
            ]


def _costs(timers: Timers, events: int) -> list[Measure]:
    rows = []
    for stage, ours in timers.ours.items():
        rows.append(Measure(f"stage_{stage}", round(ours / events * 1e6, 1), "µs/event"))
        rows.append(Measure(f"stage_{stage}_redis", round(timers.theirs[stage] / events * 1e6, 1), "µs/event"))
    return rows


def _memory(redis: Redis, settings: Settings, empty: int, customers: int, events: int) -> list[Measure]:
    """Of the log while events are in it, and of everything else by customer. Nothing is archived here."""
    partitions = range(settings.partitions)
    keys = [key for each in partitions for key in (stream_key(each), verdicts_key(each))]
    sizes: list[Any] = [redis.memory_usage(key, samples=0) for key in keys]
    log = sum(int(size or 0) for size in sizes)
    rest = int(redis.info("memory")["used_memory"]) - empty - log  # type: ignore[index]
    return [
        Measure("memory_log", round(log / events * 1e6 / 2**20), "MiB/million events"),
        Measure("memory_customer", round(rest / customers), "B/customer"),
        Measure("memory_customer_events", round(events / customers, 1), "events/customer"),
    ]
