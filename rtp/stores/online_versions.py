"""Which published version each part of the live state was brought up to, so that one left behind is noticed.

Marts are swapped by one pointer; the online store is written after it, part by part. When Redis goes away in between,
or comes back without its data, the parts named here with an older version, or none, have to be brought up again.
"""

from redis.asyncio import Redis

from rtp.stores.outage import answer_of, outage_is_retryable

KEY = "rtp:{online}:versions"


class OnlineVersions:
    """Part, as "feast/<view>" or "live/<name>", to the version that was written last."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def note(self, part: str, version: str) -> None:
        """All of `part` has been written as `version` has it. Raises Retryable."""
        with outage_is_retryable("noting what the online store holds"):
            await answer_of(self._client.hset(KEY, part, version))

    async def read(self) -> dict[str, str]:
        """What was noted last, by part. Raises Retryable."""
        with outage_is_retryable("asking what the online store holds"):
            found = await answer_of(self._client.hgetall(KEY))
        return {part.decode(): version.decode() for part, version in found.items()}
