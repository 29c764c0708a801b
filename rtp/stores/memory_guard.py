"""Refuses events before Redis has no memory left: folding, linking and deciding what was accepted needs some too."""

import time
from collections.abc import Callable

from redis.asyncio import Redis

from rtp.errors import Retryable

LOOK_SECONDS = 0.5
SHARE_FOR_EVENTS = 0.85
"""Of the limit: the rest is for working off what was accepted, which is what frees memory again."""
SHARE_OF_MACHINE = 0.75
"""The limit where Redis itself has none."""
RETRY_AFTER_SECONDS = 5.0


class MemoryGuard:
    """Looks at Redis's memory, at most twice a second."""

    def __init__(self, client: Redis, *, limit_bytes: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        """`limit_bytes`: 0 is Redis's own `maxmemory`, or where it has none three quarters of the machine's memory."""
        self._client = client
        self._limit = limit_bytes
        self._clock = clock
        self._looked_at = -LOOK_SECONDS
        self._full = False

    async def admit(self) -> None:
        """Returns if there is room; raises Retryable if not. Raises what Redis raises."""
        now = self._clock()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._full = await self._is_full()
        if self._full:
            raise Retryable(
                "Redis is nearly out of memory: events are taken again once earlier ones are worked off.",
                hint="Send the same again later. Start more workers, or give Redis more memory, if it stays so.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )

    async def _is_full(self) -> bool:
        memory = await self._client.info("memory")
        own, machine = int(memory["maxmemory"]), int(memory["total_system_memory"])
        limit = self._limit or own or int(machine * SHARE_OF_MACHINE)
        return int(memory["used_memory"]) > (min(limit, own) if own else limit) * SHARE_FOR_EVENTS
