"""Where an event's time goes: the engine's own parts, one after the other in one process, each stage on the clock.

Nothing runs at the same time as anything else here, so a stage's processor time is its own; Redis's is read from it.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from redis.asyncio import Redis

from rtp import wiring
from rtp.benchmarks.load import EventSource
from rtp.benchmarks.materialize import redis_server
from rtp.benchmarks.result import Measure
from rtp.clock import system_clock, to_micros
from rtp.identity.intake import Accepted, accept
from rtp.identity.keys import KeyedHash
from rtp.settings import Settings, checkout_root
from rtp.signals.log import WORKER_GROUP, EventLog
from rtp.signals.parse import Arrival, Batch, parse_batch
from rtp.stores.event_log_redis import stream_key, verdicts_key
from rtp.worker.assemble import WorkerParts, open_worker

STAGES = (
    "parse", "append", "read", "orders", "link", "load", "fold", "compare_and_set", "project", "effects", "clear",
    "acknowledge",
)  # fmt: skip
TOGETHER = 200
"""Entries that the worker takes together here."""


class Timers:
    """Processor time by stage: ours, and Redis's."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self.ours: dict[str, float] = defaultdict(float)
        self.redis: dict[str, float] = defaultdict(float)

    async def timed(self, stage: str, work: Any) -> Any:
        """Awaits the work, on the stage's clock."""
        redis, begin = await self._redis_time(), time.process_time()
        try:
            return await work
        finally:
            self.ours[stage] += time.process_time() - begin
            self.redis[stage] += await self._redis_time() - redis

    async def _redis_time(self) -> float:
        info = await self._client.info("cpu")
        return float(info["used_cpu_sys"]) + float(info["used_cpu_user"])
