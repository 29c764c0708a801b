"""The archiver: moves what the log holds into the lake, every few seconds, each entry exactly once."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import msgspec

from rtp.clock import Clock, system_clock, to_micros
from rtp.errors import Retryable
from rtp.stores.archive_files import compact_day, days_to_compact, write_batch
from rtp.stores.archive_redis import ArchiveSource, Plan
from rtp.stores.archive_rows import ROW_OF, StoredEntry, unreadable_row
from rtp.stores.file_lock import alone
from rtp.stores.lake import Lake

logger = logging.getLogger("rtp.archive")

BATCH = 2_500
"""Entries of each partition in one file."""


class Archiver:
    """Archives several streams into one lake. Of several on one lake, one works and the others find nothing to do."""

    def __init__(
        self,
        lake: Lake,
        sources: Sequence[ArchiveSource],
        *,
        every_seconds: float,
        no_build: Callable[[], AbstractContextManager[None]],
        clock: Clock = system_clock,
    ) -> None:
        """`no_build()` is held while files are made one: it raises Retryable while a build reads."""
        self._lake = lake
        self._sources = sources
        self._every_seconds = every_seconds
        self._no_build = no_build
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Archives until `stop` is set, then once more."""
        while not stop.is_set():
            await self._try()
            try:
                await asyncio.wait_for(stop.wait(), self._every_seconds)
            except TimeoutError:
                continue
        await self._try()

    async def _try(self) -> None:
        try:
            await self.flush()
            await asyncio.to_thread(self._compact)
        except Retryable as error:
            logger.debug("the archive has to wait: %s", error)
        except Exception:
            logger.exception("archiving failed; nothing is lost, it is tried again")

    async def flush(self) -> Mapping[str, int]:
        """Archives all that is ready; returns rows by stream. Raises Retryable, also while another one archives."""
        with self._alone():
            return {source.stream: await self._drain(source) for source in self._sources}

    async def _drain(self, source: ArchiveSource) -> int:
        interrupted = await source.unfinished()
        rows = await self._finish(source, interrupted) if interrupted else 0
        full = True
        while full and (plan := await source.plan(count=BATCH)) is not None:
            archived = await self._finish(source, plan)
            rows, full = rows + archived, archived >= BATCH
        return rows

    async def _finish(self, source: ArchiveSource, plan: Plan) -> int:
        entries: Sequence[StoredEntry] = ()
        if not plan.written:
            entries = await source.read(plan)
            await asyncio.to_thread(self._write, source.stream, plan, entries)
            plan = await source.written(plan)
        await source.commit(plan)
        return len(entries)

    def _write(self, stream: str, plan: Plan, entries: Sequence[StoredEntry]) -> None:
        rows, unreadable = [], []
        for entry in entries:
            try:
                rows.append(ROW_OF[stream](entry))
            except (msgspec.DecodeError, KeyError):
                unreadable.append(unreadable_row(stream, entry))
        write_batch(self._lake, stream, plan.name, rows)
        write_batch(self._lake, "rejected", f"{plan.name}-{stream}", unreadable)

    def _compact(self) -> None:
        """Needs that no build reads: it waits for the next time where one does."""
        now = to_micros(self._clock())
        due = [each for source in self._sources for each in days_to_compact(self._lake, source.stream, now)]
        if not due:
            return
        with self._alone(), self._no_build():
            for folder, over in due:
                compact_day(folder, over=over)

    def _alone(self) -> AbstractContextManager[None]:
        """Holds the lake's archive lock."""
        return alone(self._lake.archive_lock, "Another process is archiving.", hint="It takes a few seconds.")
