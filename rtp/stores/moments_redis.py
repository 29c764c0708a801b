"""Moments in Redis: one key each, gone when the moment is over."""

import msgspec
from redis.asyncio import Redis

from rtp.decisioning.moment import Moment
from rtp.stores.outage import answer_of, outage_is_retryable

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Moment).decode


class RedisMoments:
    """Moments: SET NX decides who was first."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def get(self, key: str) -> Moment | None:
        """The moment under way, if any."""
        with outage_is_retryable("reading a moment"):
            value = await answer_of(self._client.get(moment_key(key)))
        return _decode(value) if value else None

    async def put_first(self, key: str, moment: Moment, *, ttl_seconds: int) -> Moment:
        """Stores it unless one is under way; returns the one that counts."""
        with outage_is_retryable("storing a moment"):
            before = await answer_of(
                self._client.set(moment_key(key), _encode(moment), nx=True, get=False, ex=ttl_seconds)
            )
        if before:
            return moment
        # It may have ended between the two commands; then this ranking is as good as any.
        return await self.get(key) or moment


def moment_key(key: str) -> str:
    """The Redis key of a moment."""
    return f"rtp:moment:{{{key}}}"
