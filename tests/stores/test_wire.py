"""The one connection that everybody's commands share."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rtp.stores.connections import connect


async def test_answers_go_to_whoever_asked(redis_client: redis.asyncio.Redis) -> None:
    """Many at once, of which some give up while they wait: nobody gets another one's answer."""

    async def ask(number: int) -> int:
        await redis_client.set(f"k{number}", number)
        return int(await redis_client.get(f"k{number}") or -1)

    asked = [asyncio.create_task(ask(number)) for number in range(300)]
    await asyncio.sleep(0)
    for impatient in asked[::3]:
        impatient.cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    patient = [number for number in range(300) if number % 3]
    assert [answers[number] for number in patient] == patient


async def test_answers_are_shaped_as_redis_py_shapes_them(redis_client: redis.asyncio.Redis) -> None:
    await redis_client.hset("h", mapping={"ä": 1, "b": 2.5})  # type: ignore[misc]
    pipeline = redis_client.pipeline(transaction=False)
    pipeline.hgetall("h")
    pipeline.zadd("z", {"m": 1})
    pipeline.zrange("z", 0, -1, withscores=True)
    assert await pipeline.execute() == [{"ä".encode(): b"1", b"b": b"2.5"}, 1, [(b"m", 1.0)]]
    assert (await redis_client.info("server"))["tcp_port"] > 0


async def test_an_error_of_one_command_harms_no_other(redis_client: redis.asyncio.Redis) -> None:
    pipeline = redis_client.pipeline(transaction=False)
    pipeline.set("k", "text")
    pipeline.hget("k", "field")
    pipeline.evalsha("0" * 40, 0)
    pipeline.get("k")
    _, wrong, unknown, value = await pipeline.execute(raise_on_error=False)
    assert isinstance(wrong, ResponseError)
    assert isinstance(unknown, NoScriptError)
    assert value == b"text"
    with pytest.raises(ResponseError):
        await redis_client.hget("k", "field")  # type: ignore[misc]


async def test_a_blocking_read_holds_up_nobody(redis_client: redis.asyncio.Redis) -> None:
    await redis_client.xgroup_create("s", "g", mkstream=True)
    reading = asyncio.create_task(redis_client.xreadgroup("g", "c", {"s": ">"}, block=20_000))
    assert await redis_client.set("k", 1)
    await redis_client.xadd("s", {"a": 1})
    assert len(await reading) == 1


class Sullen:
    """A server that answers the first `answered` commands and then says nothing, or hangs up."""

    def __init__(self, *, hangs_up: bool) -> None:
        self.hangs_up = hangs_up
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            self.asked += 1
            if self.asked % 2:
                writer.write(b"+OK\r\n")
            elif self.hangs_up:
                break
        writer.close()


@pytest.fixture
async def sullen(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Sullen, str]]:
    server = Sullen(hangs_up=request.param)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    yield server, f"redis://127.0.0.1:{listening.sockets[0].getsockname()[1]}/0"
    listening.close()


@pytest.mark.parametrize("sullen", [True, False], indirect=True, ids=["hangs up", "says nothing"])
async def test_a_command_without_an_answer_is_told_and_never_repeated(sullen: tuple[Sullen, str]) -> None:
    server, url = sullen
    client = connect(url, timeout_seconds=0.3)
    assert await client.set("k", 1)
    with pytest.raises((RedisConnectionError, RedisTimeoutError)):
        await client.set("k", 2)
    assert server.asked == 2
    assert await client.set("k", 3), "the next one opens a new connection"
    await client.aclose()


async def test_a_server_that_is_not_there_is_a_connection_error() -> None:
    client = connect("redis://127.0.0.1:1/0")
    with pytest.raises(RedisConnectionError):
        await client.get("k")
