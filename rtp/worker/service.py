"""The worker's life: holds partitions, reads them, has entries processed, acknowledges them."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Protocol

import msgspec

from rtp.coalescing import Coalescer
from rtp.errors import Retryable
from rtp.signals.event import LogEntry
from rtp.signals.log import WORKER_GROUP, EventLog, Verdict
from rtp.worker import telemetry
from rtp.worker.processing import Processor

logger = logging.getLogger("rtp.worker")

BATCH = 500
BLOCK_MS = 1_000
GATHER_SECONDS = 0.008
"""Batches begin no faster than this one after the other: a busy log is taken in fewer, larger ones. An idle one waits
for nothing."""
LEASE_TICK_SECONDS = 1.0
EFFECT_RETRY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0


class Leases(Protocol):
    """Who reads which partition. Two workers on one for a while cost retries, never an event."""

    async def refresh(self, held: set[int]) -> set[int]:
        """Renews what is held, and takes or gives back to come to a fair share. Raises Retryable."""
        ...

    async def leave(self, held: set[int]) -> None:
        """Gives everything back at once. Raises Retryable; then it ends by itself."""
        ...


class WorkerState(msgspec.Struct):
    """What /healthz shows."""

    held: set[int] = msgspec.field(default_factory=set)
    last_success: float = 0.0
    """Monotonic time of the last contact with the event log."""
    trouble: str = ""


class Worker:
    """One worker process; any number may run."""

    def __init__(self, log: EventLog, processor: Processor, leases: Leases, *, name: str) -> None:
        self._log = log
        self._processor = processor
        self._leases = leases
        self._name = name
        self._processing: Coalescer[LogEntry, Verdict | None] = Coalescer(
            self._process, most_items=BATCH, at_once=2, pause_seconds=GATHER_SECONDS
        )
        self._loops: dict[int, asyncio.Task[None]] = {}
        self.state = WorkerState()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, then ends what it has begun and gives its partitions back."""
        try:
            while not stop.is_set():
                await self._share_partitions()
                await _pause(stop, LEASE_TICK_SECONDS)
        finally:
            held, self.state.held = self.state.held, set()
            await asyncio.gather(*self._loops.values(), return_exceptions=True)
            try:
                await self._leases.leave(held)
            except Retryable as error:
                logger.warning("leases end by themselves: %s", error.message)

    async def _share_partitions(self) -> None:
        try:
            self.state.held = await self._leases.refresh(self.state.held)
            self._succeeded()
        except Retryable as error:
            self._failed(error)
        telemetry.PARTITIONS.set(len(self.state.held))
        for partition in self.state.held:
            loop = self._loops.get(partition)
            if loop is None or loop.done():
                self._loops[partition] = asyncio.create_task(self._read_partition(partition))

    async def _read_partition(self, partition: int) -> None:
        pause, retry_at, claimed = 0.05, 0.0, False
        while partition in self.state.held:
            try:
                if not claimed:
                    await self._log.claim(WORKER_GROUP, self._name, partition, idle_ms=0)
                    claimed = True
                if retry_at and time.monotonic() >= retry_at:
                    self._log.rewind(WORKER_GROUP, self._name, partition)
                    retry_at = 0.0
                if not await self._step(partition):
                    retry_at = retry_at or time.monotonic() + EFFECT_RETRY_SECONDS
                pause = 0.05
                self._succeeded()
            except Retryable as error:
                self._failed(error)
                self._log.rewind(WORKER_GROUP, self._name, partition)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            except Exception:
                logger.exception("partition %d: a batch failed and is tried again", partition)
                telemetry.RETRIES.labels("batch").inc()
                self._log.rewind(WORKER_GROUP, self._name, partition)
                await asyncio.sleep(LONGEST_PAUSE_SECONDS)

    async def _step(self, partition: int) -> bool:
        """Reads and processes one batch; False if some of it has to be tried again."""
        entries = await self._log.read(WORKER_GROUP, self._name, partition, count=BATCH, block_ms=BLOCK_MS)
        if not entries:
            return True
        verdicts = await self._processing.submit(entries)
        if None in verdicts:
            telemetry.RETRIES.labels("effects").inc()
        return None not in verdicts

    async def _process(self, entries: Sequence[LogEntry]) -> list[Verdict | None]:
        """What partitions have read meanwhile goes together: round trips cost more than entries."""
        verdicts = await self._processor.process(entries)
        await self._log.acknowledge(WORKER_GROUP, verdicts)
        telemetry.observe(verdicts)
        done = {(each.entry.partition, each.entry.position): each for each in verdicts}
        return [done.get((each.partition, each.position)) for each in entries]

    def _succeeded(self) -> None:
        if self.state.trouble:
            logger.info("the event log answers again")
        self.state.trouble, self.state.last_success = "", time.monotonic()

    def _failed(self, error: Retryable) -> None:
        telemetry.RETRIES.labels("outage").inc()
        if error.message != self.state.trouble:
            logger.warning("%s", error)
        self.state.trouble = error.message


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
