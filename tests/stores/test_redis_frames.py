"""A hash made ready for RESTORE is, to Redis, the hash that HSET would have made."""

from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtp.stores.redis_frames import OLDEST_SERVER, HashField, framed, hash_dump

BORDERS = [0, 1, 62, 63, 64, 125, 126, 127, 128, 4093, 4094, 4095, 4096, 16_377, 16_378, 16_383, 16_384, 2_097_150]


@pytest.fixture
def client(redis_url: str) -> redis.Redis:
    client = redis.Redis.from_url(redis_url)
    about: Any = client.info("server")
    if tuple(map(int, about["redis_version"].split("."))) < OLDEST_SERVER:
        pytest.skip("this redis-server has no listpacks; the bulk writer does not use them there")
    return client


def dump_of(fields: dict[bytes, bytes]) -> bytes:
    return hash_dump(b"".join(framed(value, HashField(name)) for name, value in fields.items()), len(fields))


@pytest.mark.parametrize("length", BORDERS)
def test_values_of_every_length_come_back(client: redis.Redis, length: int) -> None:
    fields = {b"before": b"1", b"value": b"x" * length, b"after": b"2"}
    client.restore("hash", 0, dump_of(fields))
    assert client.hgetall("hash") == fields
    client.hset("hash", "before", "changed")
    assert client.hgetall("hash") == {**fields, b"before": b"changed"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.binary(max_size=80), st.binary(max_size=300), min_size=1, max_size=40))
def test_any_hash_comes_back_and_can_be_changed(client: redis.Redis, fields: dict[bytes, bytes]) -> None:
    client.flushall()
    client.restore("hash", 0, dump_of(fields))
    assert client.hgetall("hash") == fields
    changed = dict.fromkeys(reversed(fields), b"7")
    client.hset("hash", mapping=changed)
    assert client.hgetall("hash") == changed


def test_the_bytes_are_those_that_redis_dumps(client: redis.Redis) -> None:
    fields = {b"_ts:view": b"\x08\x01", b"a\x00bc": b"text", b"": b""}
    client.hset("hash", mapping=fields)
    theirs, ours = client.dump("hash"), dump_of(fields)
    format_and_checksum = 10
    assert isinstance(theirs, bytes)
    assert theirs[:-format_and_checksum] == ours[:-format_and_checksum]


def test_a_damaged_dump_is_refused(client: redis.Redis) -> None:
    dump = bytearray(dump_of({b"name": b"value"}))
    dump[5] ^= 1
    with pytest.raises(redis.ResponseError, match="checksum"):
        client.restore("hash", 0, bytes(dump))


def test_frames_do_not_end_in_a_zero() -> None:
    """What numpy would cut off."""
    frame = HashField(b"name")
    assert all(frame.tail(length)[-1] for length in range(20_000))
