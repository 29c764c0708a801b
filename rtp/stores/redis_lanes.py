"""Packed commands over several connections at once, ahead of their answers.

Redis with `appendfsync always` reads at most 16 KiB of each connection, then waits for the disk: what several
connections sent shares that wait, which makes bulk writes as many times faster as the disk is slow.
"""

from collections import deque
from types import TracebackType
from typing import Any, Self

import msgspec
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from rtp.errors import Retryable

KEY_EXISTS = "BUSYKEY"


class Answered(msgspec.Struct, frozen=True):
    """What Redis answered to the commands sent since the last time it was asked."""

    total: int
    """The sum of the integers; an OK counts as one."""
    busy: list[int]
    """The numbers, counted from 0 in the order of sending, of the commands refused because their key exists."""


class Lanes:
    """Sends blocks of commands in turn over the lanes; sums up their answers.

    Blocks on different lanes may be carried out in another order than sent. Raises Retryable when Redis does
    not answer or refuses a command for another reason than that a key exists.
    """

    def __init__(self, url: str, *, lanes: int = 16, ahead: int = 4) -> None:
        self._client = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=60)
        self._lanes = lanes
        self._ahead = ahead
        self._waiting: deque[tuple[Any, int]] = deque()
        self._sum = self._answers = 0
        self._busy: list[int] = []

    def __enter__(self) -> Self:
        try:
            pool = self._client.connection_pool
            self._connections: list[Any] = [pool.get_connection() for _ in range(self._lanes)]
        except RedisError as error:
            self._client.close()
            raise _stopped(error) from error
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.disconnect()
        self._client.close()

    def load_script(self, source: str) -> None:
        """Makes a script known to the server."""
        try:
            self._client.script_load(source)
        except RedisError as error:
            raise _stopped(error) from error

    def server_version(self) -> tuple[int, ...]:
        """Of the Redis at the other end."""
        try:
            about: Any = self._client.info("server")
            return tuple(map(int, about["redis_version"].split(".")))
        except RedisError as error:
            raise _stopped(error) from error

    def existing(self, keys: list[bytes]) -> int:
        """How many of the keys exist."""
        try:
            pipeline = self._client.pipeline(transaction=False)
            for key in keys:
                pipeline.exists(key)
            return sum(pipeline.execute())
        except RedisError as error:
            raise _stopped(error) from error

    def send(self, block: bytes, answers: int) -> None:
        """Sends packed commands that will be answered so many times, by integers or OK."""
        try:
            if len(self._waiting) >= self._lanes * self._ahead:
                self._receive()
            connection = self._connections[0]
            self._connections.append(self._connections.pop(0))
            connection.send_packed_command([block], check_health=False)
            self._waiting.append((connection, answers))
        except RedisError as error:
            raise _stopped(error) from error

    def finish(self) -> Answered:
        """Waits for all answers that are still to come."""
        try:
            while self._waiting:
                self._receive()
        except RedisError as error:
            raise _stopped(error) from error
        answered = Answered(self._sum, self._busy)
        self._sum, self._answers, self._busy = 0, 0, []
        return answered

    def _receive(self) -> None:
        connection, answers = self._waiting.popleft()
        for number in range(self._answers, self._answers + answers):
            try:
                answer = connection.read_response()
            except ResponseError as error:
                if not str(error).startswith(KEY_EXISTS):
                    raise
                self._busy.append(number)
            else:
                self._sum += 1 if answer == b"OK" else int(answer)
        self._answers += answers


def _stopped(error: RedisError) -> Retryable:
    return Retryable(
        f"The bulk write stopped: {error}. What was written before stays.",
        hint="See that Redis runs (`rtp status`), then do it again: it is safe to repeat.",
    )
