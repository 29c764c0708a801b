"""Who reads which partition: leases that end by themselves, shared out evenly among the living.

A lease only saves work: two workers on one partition for a while cost retries, never an event.
"""

import time

from redis.asyncio import Redis

from rtp.stores.event_log_redis import stream_key
from rtp.stores.outage import outage_is_retryable
from rtp.stores.scripts import Script

_TAKE = Script("""
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")

_GIVE_BACK = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
""")

LEASE_MS = 5_000
"""How long a dead worker's partitions wait for another one."""
REGISTRY = "rtp:{workers}"


class PartitionLeases:
    """The partitions that one worker holds."""

    def __init__(self, client: Redis, *, owner: str, partitions: int, lease_ms: int = LEASE_MS) -> None:
        self._client = client
        self._owner = owner
        self._partitions = partitions
        self._lease_ms = lease_ms

    async def refresh(self, held: set[int]) -> set[int]:
        """Reports this worker alive, renews what it holds, and takes or gives back to come to a fair share.

        Call it a few times per lease. Raises Retryable.
        """
        with outage_is_retryable("leasing partitions"):
            share = await self._fair_share()
            keep = {each for each in sorted(held)[:share] if await self._take(each)}
            for each in held - keep:
                await self.give_back(each)
            for each in range(self._partitions):
                if len(keep) < share and each not in held and await self._take(each):
                    keep.add(each)
        return keep

    async def leave(self, held: set[int]) -> None:
        """Gives everything back at once, so that another worker need not wait for the leases to end."""
        with outage_is_retryable("leasing partitions"):
            for each in held:
                await self.give_back(each)
            await self._client.zrem(REGISTRY, self._owner)

    async def give_back(self, partition: int) -> None:
        """Ends one lease."""
        await _GIVE_BACK.call(self._client, [_lease_key(partition)], [self._owner])

    async def _take(self, partition: int) -> bool:
        answer = await _TAKE.call(self._client, [_lease_key(partition)], [self._owner, self._lease_ms])
        return bool(answer)

    async def _fair_share(self) -> int:
        now = time.time() * 1000
        pipeline = self._client.pipeline(transaction=False)
        pipeline.zadd(REGISTRY, {self._owner: now})
        pipeline.zremrangebyscore(REGISTRY, "-inf", now - self._lease_ms)
        pipeline.zcard(REGISTRY)
        living = (await pipeline.execute())[2]
        return -(-self._partitions // max(int(living), 1))


def _lease_key(partition: int) -> str:
    return f"{stream_key(partition)}:lease"
