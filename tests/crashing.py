"""A Redis client that dies after a given number of commands: each command of a pipeline counts."""

from typing import Any

import redis.asyncio
from redis.exceptions import RedisError

from rtp.errors import Retryable


class Crashed(Retryable):
    """The process is gone; what it had sent has been carried out."""


class CrashingRedis:
    """Passes commands on, one by one, until as many as given have been carried out; then the process dies."""

    def __init__(self, client: redis.asyncio.Redis, *, after: int) -> None:
        self._client = client
        self._left = after

    def __getattr__(self, name: str) -> Any:
        async def command(*arguments: Any, **options: Any) -> Any:
            if not self._left:
                raise Crashed("The process died.")
            self._left -= 1
            return await getattr(self._client, name)(*arguments, **options)

        return command

    def pipeline(self, *, transaction: bool) -> "_Pipeline":
        assert not transaction
        return _Pipeline(self)


class _Pipeline:
    def __init__(self, client: CrashingRedis) -> None:
        self._client = client
        self._calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        def add(*arguments: Any) -> "_Pipeline":
            self._calls.append((name, arguments))
            return self

        return add

    async def execute(self, *, raise_on_error: bool = True) -> list[Any]:
        answers: list[Any] = []
        for name, arguments in self._calls:
            try:
                answers.append(await getattr(self._client, name)(*arguments))
            except RedisError as error:
                if raise_on_error:
                    raise
                answers.append(error)
        return answers
