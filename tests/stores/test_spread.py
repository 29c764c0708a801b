"""Writes over several wires: answers come in the order of the commands, and what has one key stays in its order."""

from redis.asyncio import Redis

from rtp.stores.connections import answers
from rtp.stores.scripts import Script

APPEND = Script("return redis.call('APPEND', KEYS[1], ARGV[1])")


async def test_answers_and_the_writes_of_a_key_keep_their_order(redis_client: Redis) -> None:
    calls = [([f"k{number % 10}"], [str(number)]) for number in range(100)]
    lengths = await APPEND.call_many(redis_client, calls)
    found = await answers(redis_client, [("GET", f"k{number}") for number in range(10)])
    assert [each.decode() for each in found] == [
        "".join(str(number) for number in range(100) if number % 10 == last) for last in range(10)
    ]
    assert lengths[:20] == [1] * 10 + [3] * 10


async def test_a_script_that_redis_forgot_is_loaded_again(redis_client: Redis) -> None:
    await redis_client.script_flush()
    assert await APPEND.call_many(redis_client, [([f"k{number}"], ["x"]) for number in range(100)]) == [1] * 100
