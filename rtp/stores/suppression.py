"""The suppression list: in Redis for what acts live, in a file beside the lake for loads, which need no Redis."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from redis.asyncio import Redis

from rtp.errors import Retryable
from rtp.stores.lake import write_private
from rtp.stores.outage import answer_of, outage_is_retryable

KEY = "rtp:{suppressed}"
REFRESH_SECONDS = 0.5
SETTLED_SECONDS = 4 * REFRESH_SECONDS
"""After so long every process that reaches Redis knows of an addition."""

logger = logging.getLogger("rtp.suppression")


class RedisSuppression:
    """Implements :class:`rtp.profile.suppression.Suppressed`: a copy in the process, kept up by `watch`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._digests: frozenset[str] = frozenset()
        self._known = False

    async def ready(self) -> None:
        """See Suppressed."""
        if not self._known:
            await self.refresh()

    def __len__(self) -> int:
        return len(self._digests)

    def holds(self, digests: Iterable[str]) -> bool:
        """See Suppressed."""
        return not self._digests.isdisjoint(digests)

    async def add(self, digests: Iterable[str]) -> None:
        """Puts digests on the list, durably."""
        with outage_is_retryable("writing the suppression list"):
            await answer_of(self._client.sadd(KEY, *digests))
        await self.refresh()

    async def refresh(self) -> None:
        """Takes over what others have added: the list only grows, so that its length tells."""
        with outage_is_retryable("reading the suppression list"):
            if await answer_of(self._client.scard(KEY)) != len(self._digests):
                self._digests = frozenset(each.decode() for each in await answer_of(self._client.smembers(KEY)))
        self._known = True

    async def watch(self) -> None:
        """Refreshes for as long as it runs; without Redis nothing can be written either."""
        while True:
            try:
                await self.refresh()
            except Retryable as error:
                logger.debug("the suppression list waits: %s", error)
            await asyncio.sleep(REFRESH_SECONDS)


class SuppressionFile:
    """The list as a file of one digest a line, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> frozenset[str]:
        """All digests; none before anybody was erased."""
        return frozenset(self._path.read_text().split()) if self._path.exists() else frozenset()

    def add(self, digests: Iterable[str]) -> None:
        """Puts digests on the list; the file appears whole or not at all."""
        lines = "\n".join(sorted(self.read() | set(digests))) + "\n"
        write_private(self._path, lines.encode())
