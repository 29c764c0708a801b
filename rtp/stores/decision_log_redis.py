"""The decision log: a stream for the archive, and a key per decision for whoever asks about one."""

import asyncio

import msgspec
from redis.asyncio import Redis

from rtp.decisioning.decision import DecisionRecord
from rtp.stores.outage import answer_of, outage_is_retryable
from rtp.stores.record_stream import RecordStream

KEPT_SECONDS = 7 * 24 * 3600

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(DecisionRecord).decode


class RedisDecisionLog:
    """DecisionLog: the stream keeps records until they are archived, the keys for a week."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._stream = RecordStream(client, "decisions")

    async def append(self, record: DecisionRecord) -> None:
        """Stores a record durably. Raises Retryable; then it may have been stored."""
        key = decision_key(record.decision.decision_id)
        with outage_is_retryable("storing a decision"):
            await asyncio.gather(
                self._stream.append([record]), answer_of(self._client.set(key, _encode(record), ex=KEPT_SECONDS))
            )

    async def get(self, decision_id: str) -> DecisionRecord | None:
        """A record of the last week."""
        with outage_is_retryable("reading a decision"):
            value = await answer_of(self._client.get(decision_key(decision_id)))
        return _decode(value) if value else None


def decision_key(decision_id: str) -> str:
    """The Redis key of a decision."""
    return f"rtp:decision:{{{decision_id}}}"
