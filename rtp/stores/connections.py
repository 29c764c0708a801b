"""Redis clients, made in one way."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


def connect(url: str, *, timeout_seconds: float = 5.0) -> Redis:
    """A client that never repeats a command by itself.

    redis-py's default of three silent retries loses stream messages when a reply is dropped (the first
    batch stays unseen in the pending list) and appends twice; callers repeat what they know to be idempotent.
    """
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=timeout_seconds, decode_responses=False)
