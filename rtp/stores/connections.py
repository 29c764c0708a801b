"""Redis clients, made in one way."""

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from rtp.stores.wire import Command, Wire, open_wire

_BLOCKING = frozenset({"XREADGROUP", "XREAD", "BLPOP", "BRPOP", "BLMOVE", "BZPOPMIN", "BZPOPMAX", "WAIT"})
"""They hold their connection for as long as they wait: each gets one for itself."""


def connect(url: str, *, timeout_seconds: float = 5.0) -> Redis:
    """A client that never repeats a command by itself.

    redis-py's default of three silent retries loses stream messages when a reply is dropped (the first
    batch stays unseen in the pending list) and appends twice; callers repeat what they know to be idempotent.
    """
    return WiredRedis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=timeout_seconds, decode_responses=False)


LANES = 8
"""Wires that one large write goes over."""
WORDS_OF_ONE_WIRE = 64


async def answers(
    client: Redis, commands: Sequence[Command], *, raise_on_error: bool = True, keys: Sequence[Any] = ()
) -> list[Any]:
    """Redis's own answers to several commands, in one round trip: for whoever needs no other shape of them.

    redis-py's methods and its shaping cost several microseconds a command. Raises the first error, unless told to leave
    it among the answers. With `keys`, of each command the one that it writes, see :meth:`WiredRedis.execute_spread`.
    """
    if not commands:
        return []
    if not (isinstance(client, WiredRedis) and client.is_plain()):
        pipeline: Any = client.pipeline(transaction=False)
        for each in commands:
            pipeline.execute_command(*each)
        return list(await pipeline.execute(raise_on_error=raise_on_error))
    found = await (client.execute_spread(commands, keys) if keys else client.execute_many(commands))
    for each in found:
        if isinstance(each, Exception) and (raise_on_error or isinstance(each, RedisConnectionError)):
            raise each
    return found


def read_hash(answer: Any) -> dict[bytes, bytes]:
    """A whole hash as HGETALL answers it: names and values by twos, or already in pairs."""
    return answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))


class WiredRedis(Redis):
    """redis-py's client, whose commands and plain pipelines share one :class:`rtp.stores.wire.Wire`.

    Blocking commands get wires for themselves; transactions, and addresses that are no plain TCP, go redis-py's own
    way. One event loop at a time.
    """

    _wire: Wire | None = None
    _free: list[Wire]
    _opening: "asyncio.Task[Wire] | None" = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._free = []

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """One command; raises what Redis refuses it with."""
        if self.connection is not None or not self.is_plain():
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        (answer,) = await (self._execute_alone([args]) if args[0] in _BLOCKING else self.execute_many([args]))
        if isinstance(answer, Exception):
            raise answer
        return await self.shown(args[0], options, answer)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """As redis-py's."""
        if transaction or not self.is_plain():
            return super().pipeline(transaction, shard_hint)
        return _WiredPipeline(self, self.connection_pool, self.response_callbacks)

    async def execute_many(self, commands: Sequence[Command]) -> list[Any]:
        """The answers as Redis gives them, in one round trip; errors of single commands are among them."""
        wire = self._wire
        if wire is None or wire.broken is not None or wire.loop is not asyncio.get_running_loop():
            wire = await self._reopened()
        return await wire.execute(commands)

    async def execute_spread(self, commands: Sequence[Command], keys: Sequence[Any]) -> list[Any]:
        """As `execute_many`, over several wires where there is much to send; what has one key stays in its order.

        Redis reads 16 KiB of a connection, then waits for the disk: a large write on one wire waits many times.
        """
        lanes: dict[int, list[int]] = {}
        for place, key in enumerate(keys):
            lanes.setdefault(hash(key) % LANES, []).append(place)
        if len(lanes) == 1 or sum(map(len, commands)) < WORDS_OF_ONE_WIRE:
            return await self.execute_many(commands)
        sent = (self._execute_alone([commands[place] for place in places]) for places in lanes.values())
        found: list[Any] = [None] * len(commands)
        for places, answered in zip(lanes.values(), await asyncio.gather(*sent), strict=True):
            for place, answer in zip(places, answered, strict=True):
                found[place] = answer
        return found

    async def _execute_alone(self, commands: Sequence[Command]) -> list[Any]:
        """On a wire that nobody else uses meanwhile; whoever is cancelled leaves none that others would read from."""
        loop = asyncio.get_running_loop()
        self._free = [each for each in self._free if each.broken is None and each.loop is loop]
        wire = self._free.pop() if self._free else await self._open()
        try:
            answers = await wire.execute(commands)
        except BaseException:
            wire.close()
            raise
        self._free.append(wire)
        return answers

    async def shown(self, name: str | bytes, options: Mapping[str, Any], answer: Any) -> Any:
        """An answer in redis-py's own shape."""
        callback = self.response_callbacks.get(name)
        if callback is None:
            return answer
        # `keys` is for redis-py's own cache only.
        shaped = callback(answer, **{name: value for name, value in options.items() if name != "keys"})
        return await shaped if inspect.isawaitable(shaped) else shaped

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Ends the wire, and what redis-py holds open."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        while self._free:
            self._free.pop().close()
        await super().aclose(close_connection_pool)

    async def _reopened(self) -> Wire:
        """A new wire; those who come meanwhile wait for the same one."""
        loop = asyncio.get_running_loop()
        if self._opening is None or self._opening.get_loop() is not loop:
            self._opening = loop.create_task(self._open())
        opening = self._opening
        try:
            self._wire = await asyncio.shield(opening)
        finally:
            if opening.done() and self._opening is opening:
                self._opening = None
        return self._wire

    def _open(self) -> Any:
        how = self.connection_pool.connection_kwargs
        return open_wire(
            how.get("host", "localhost"), int(how.get("port", 6379)), db=int(how.get("db") or 0),
            username=how.get("username"), password=how.get("password"),
            timeout_seconds=float(how.get("socket_timeout") or 5.0),
        )  # fmt: skip

    def is_plain(self) -> bool:
        """Whether the address is plain TCP, so that commands go over the wire."""
        return self.connection_pool.connection_class is Connection


class _WiredPipeline(Pipeline):
    """redis-py's pipeline without a transaction, sent over the client's wire."""

    def __init__(self, client: WiredRedis, connection_pool: Any, response_callbacks: Any) -> None:
        super().__init__(connection_pool, response_callbacks, transaction=False, shard_hint=None)
        self._client = client

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """All answers in order; raises the first error unless told to leave it among them."""
        commands, self.command_stack = self.command_stack, []
        if not commands:
            return []
        answers = await self._client.execute_many([args for args, _ in commands])
        for place, ((args, options), answer) in enumerate(zip(commands, answers, strict=True)):
            if not isinstance(answer, Exception):
                if args[0] in self.response_callbacks:
                    answers[place] = await self._client.shown(args[0], options, answer)
            elif raise_on_error or isinstance(answer, RedisConnectionError):
                raise answer
        return answers
