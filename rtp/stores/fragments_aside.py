"""Rebuilt fragments beside the live ones, and the swap: one at a time, if the live one is what it was compared with."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from rtp.profile.fragment import Fragment, FragmentState, encode_state
from rtp.stores.fragments_redis import position_text
from rtp.stores.identity_keys import aside_key, fragment_key
from rtp.stores.outage import outage_is_retryable
from rtp.stores.scripts import Script

KEPT_SECONDS = 3_600
"""A replay that was killed leaves nothing for longer than this; what one that takes longer loses is reported busy."""

# Effects, owner and time to live stay as they are. The new version tells a worker at work that it must read again.
_SWAP = Script("""
-- KEYS: the fragment, the one rebuilt. ARGV: version and watermark expected, then version and state to set.
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
if (redis.call('HGET', KEYS[1], 'w') or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 's', ARGV[4], 'v', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
""")


class Swap(msgspec.Struct, frozen=True):
    """A live fragment, and the state to put in its place."""

    fragment_id: str
    before: Fragment
    state: FragmentState


class AsideFragments:
    """The fragments that one replay has rebuilt."""

    def __init__(self, client: Redis, run: str) -> None:
        self._client = client
        self._run = run

    async def expiring(self, fragment_ids: Sequence[str]) -> set[str]:
        """Those of these live fragments that are dropped after a while without a write."""
        pipeline = self._client.pipeline(transaction=False)
        for each in fragment_ids:
            pipeline.ttl(fragment_key(each))
        with outage_is_retryable("reading fragments"):
            answers = await pipeline.execute()
        return {each for each, seconds in zip(fragment_ids, answers, strict=True) if seconds >= 0}

    async def keep(self, states: Mapping[str, FragmentState]) -> None:
        """Stores rebuilt states aside."""
        pipeline = self._client.pipeline(transaction=False)
        for fragment, state in states.items():
            pipeline.set(aside_key(fragment, self._run), encode_state(state), ex=KEPT_SECONDS)
        with outage_is_retryable("storing rebuilt fragments"):
            await pipeline.execute()

    async def read(self, fragment_ids: Sequence[str]) -> list[bytes | None]:
        """States kept aside, None for what is gone."""
        pipeline = self._client.pipeline(transaction=False)
        for each in fragment_ids:
            pipeline.get(aside_key(each, self._run))
        with outage_is_retryable("reading rebuilt fragments"):
            found: list[bytes | None] = await pipeline.execute()
        return found

    async def swap(self, swaps: Sequence[Swap]) -> list[bool]:
        """Puts states in the place of live ones; False where the live one has changed, or is gone."""
        with outage_is_retryable("swapping fragments"):
            return [answer == 1 for answer in await _SWAP.call_many(self._client, [self._call(each) for each in swaps])]

    def _call(self, swap: Swap) -> tuple[list[str], list[Any]]:
        keys = [fragment_key(swap.fragment_id), aside_key(swap.fragment_id, self._run)]
        version = swap.before.version
        return keys, [version, position_text(swap.before.state.watermark), version + 1, encode_state(swap.state)]

    async def drop(self, fragment_ids: Sequence[str]) -> None:
        """Forgets states kept aside."""
        pipeline = self._client.pipeline(transaction=False)
        for each in fragment_ids:
            pipeline.delete(aside_key(each, self._run))
        with outage_is_retryable("dropping rebuilt fragments"):
            await pipeline.execute()
