"""Requests for erasure in Redis. While one is open it says whom it is about; afterwards only what was done."""

import msgspec
from redis.asyncio import Redis

from rtp.profile.erasure import Regulation
from rtp.stores.outage import answer_of, outage_is_retryable

REGULATIONS, ABOUT = "rtp:{regulations}", "rtp:{regulations}:about"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Regulation).decode


class RedisRegulations:
    """Implements :class:`rtp.profile.erasure.Regulations`."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def open(self, regulation: Regulation, about: str) -> None:
        """See Regulations."""
        with outage_is_retryable("noting a request for erasure"):
            pipeline = self._client.pipeline(transaction=True)
            pipeline.hset(REGULATIONS, regulation.regulation_id, _encode(regulation))  # type: ignore[arg-type]
            pipeline.hset(ABOUT, regulation.regulation_id, about)
            await pipeline.execute()

    async def get(self, regulation_id: str) -> Regulation | None:
        """See Regulations."""
        with outage_is_retryable("reading a request for erasure"):
            found = await answer_of(self._client.hget(REGULATIONS, regulation_id))
        return _decode(found) if found else None

    async def record(self, regulation: Regulation) -> None:
        """See Regulations."""
        with outage_is_retryable("noting what was erased"):
            await answer_of(self._client.hset(REGULATIONS, regulation.regulation_id, _encode(regulation)))  # type: ignore[arg-type]

    async def waiting(self) -> dict[str, str]:
        """See Regulations."""
        with outage_is_retryable("reading requests for erasure"):
            found = await answer_of(self._client.hgetall(ABOUT))
        return {name.decode(): about.decode() for name, about in found.items()}

    async def forget(self, regulation_id: str) -> None:
        """See Regulations."""
        with outage_is_retryable("closing a request for erasure"):
            await answer_of(self._client.hdel(ABOUT, regulation_id))
