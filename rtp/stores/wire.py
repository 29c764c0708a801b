"""One connection to Redis on which everybody's commands travel together: packed at once, answered in order.

redis-py packs each command in Python, and awaits each answer of a pipeline with a timer of its own: about 60 µs a
command, which is most of what a look-up or a fold costs. Here a command costs a few, through the same hiredis.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import hiredis
from redis._parsers.base import BaseParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError

Command = Sequence[Any]
"""The words of a command; the first may hold several, as in "SCRIPT LOAD"."""


class _Waiting:
    """Commands sent together, and their answers so far."""

    __slots__ = ("answers", "count", "done", "since")

    def __init__(self, count: int, done: "asyncio.Future[list[Any]]", since: float) -> None:
        self.count = count
        self.done = done
        self.since = since
        self.answers: list[Any] = []


class Wire(asyncio.Protocol):
    """An open connection. Never repeats a command: when it breaks, all who wait are told."""

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self.loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(protocolError=InvalidResponse, replyError=BaseParser.parse_error)
        self._waiting: deque[_Waiting] = deque()
        self._unsent: list[bytes] = []
        self._transport: asyncio.WriteTransport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.broken: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's: ready to send."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Asyncio's: hands answers to those who wait for them, in order."""
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not False:
                self._answered(answer)
        except InvalidResponse as error:
            self._break(RedisConnectionError(f"Redis sent what is no answer: {error}"))

    def _answered(self, answer: Any) -> None:
        first = self._waiting[0]
        first.answers.append(answer)
        if len(first.answers) == first.count:
            self._waiting.popleft()
            if not first.done.done():
                first.done.set_result(first.answers)

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's: nobody knows what became of the commands that were not answered."""
        self._break(RedisConnectionError(f"Connection closed by server: {exc}" if exc else "Connection closed."))

    async def execute(self, commands: Sequence[Command]) -> list[Any]:
        """The answers, errors of single commands among them as exceptions.

        Raises redis-py's ConnectionError or TimeoutError where there is no answer; commands may have been carried out.
        """
        if self.broken is not None:
            raise self.broken
        packed = pack(commands)
        if not self._unsent:
            self.loop.call_soon(self._flush)
        self._unsent.append(packed)
        waiting = _Waiting(len(commands), self.loop.create_future(), self.loop.time())
        self._waiting.append(waiting)
        if self._watch is None:
            self._watch = self.loop.call_later(self._timeout, self._look)
        return await waiting.done

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None and self.broken is None:
            self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def _look(self) -> None:
        """Breaks the connection if the oldest command has waited too long for its answer."""
        self._watch = None
        if not self._waiting:
            return
        left = self._waiting[0].since + self._timeout - self.loop.time()
        if left <= 0:
            self._break(RedisTimeoutError("Timeout reading from Redis"))
        else:
            self._watch = self.loop.call_later(left, self._look)

    def close(self) -> None:
        """Ends it; whoever waits gets a ConnectionError."""
        self._break(RedisConnectionError("Connection closed."))

    def _break(self, error: Exception) -> None:
        if self.broken is None:
            self.broken = error
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._transport is not None:
            self._transport.abort()
        while self._waiting:
            done = self._waiting.popleft().done
            if not done.done():
                done.set_exception(self.broken)


def pack(commands: Sequence[Command]) -> bytes:
    """Commands in Redis's protocol; raises DataError for a word that is neither text nor bytes nor a number."""
    try:
        return b"".join([hiredis.pack_command(_words(each)) for each in commands])
    except TypeError as error:
        raise DataError(str(error)) from error


def _words(command: Command) -> tuple[Any, ...]:
    name = command[0]
    return tuple(command) if " " not in name else (*name.split(), *command[1:])


async def open_wire(
    host: str, port: int, *, db: int, username: str | None, password: str | None, timeout_seconds: float
) -> Wire:
    """Connects, signs in and selects; raises redis-py's ConnectionError, TimeoutError or AuthenticationError."""
    loop = asyncio.get_running_loop()
    try:
        connecting = loop.create_connection(lambda: Wire(timeout_seconds=timeout_seconds), host, port)
        _, wire = await asyncio.wait_for(connecting, timeout_seconds)
    except TimeoutError as error:
        raise RedisTimeoutError("Timeout connecting to Redis") from error
    except OSError as error:
        raise RedisConnectionError(f"Error connecting to {host}:{port}: {error.strerror}.") from error
    greeting: list[Command] = []
    if password:
        greeting.append(("AUTH", username, password) if username else ("AUTH", password))
    if db:
        greeting.append(("SELECT", db))
    for answer in await wire.execute(greeting) if greeting else []:
        if isinstance(answer, Exception):
            wire.close()
            raise answer
    return wire
