"""Rows of customers that were merged by a build, or by whoever died before writing them."""

import asyncio
import logging

from rtp.errors import Retryable
from rtp.identity.graph import IdentityGraph
from rtp.profile.projector import Projector

logger = logging.getLogger("rtp.worker")

EVERY_SECONDS = 2.0


class StaleRows:
    """Finds customers with stale rows, and writes these anew. What an event merges is written with it, not here."""

    def __init__(self, graph: IdentityGraph, projector: Projector) -> None:
        self._graph = graph
        self._projector = projector

    async def run(self, stop: asyncio.Event) -> None:
        """Looks every two seconds until `stop` is set."""
        while not stop.is_set():
            try:
                await self.sweep()
            except Retryable as error:
                logger.debug("rows of merged customers have to wait: %s", error)
            try:
                await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
            except TimeoutError:
                continue

    async def sweep(self) -> int:
        """Writes all that are stale now; returns how many customers that were. Raises Retryable."""
        stale = await self._graph.stale()
        await self._projector.project(stale)
        return len(stale)
