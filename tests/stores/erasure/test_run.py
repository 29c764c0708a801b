"""One person out of everything: a real Redis with its files, a lake, a warehouse, models, logs."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pytest
from redis.asyncio import Redis

from rtp import wiring
from rtp.clock import from_micros
from rtp.errors import NotFound
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.profile.erasure import ErasureStatus, Regulation
from rtp.services.redis_server import RedisBinary
from rtp.settings import Settings, checkout_root
from rtp.signals.log import WORKER_GROUP, Verdict
from rtp.stores.connections import connect
from rtp.stores.erasure.run import held_still
from rtp.stores.feeds.folder import load_folder
from rtp.stores.lake import Lake
from tests.conftest import redis_running
from tests.making import NOON, event
from tests.waiting import until

SAMPLE = checkout_root() / "tests" / "data" / "sample"
EMAIL = "hugo.abbott.3@example.com"
TRACES = [EMAIL, "+13125550103", "33 Example Street", "anon-of-hugo"]
OTHER = "liam.lopez.1@example.com"


@pytest.fixture
def house(settings: Settings, redis_binary: RedisBinary) -> Iterator[Settings]:
    """Sample data in the lake; Redis keeps its files in the state's folder, as `rtp up` has it."""
    data = settings.state_dir / "redis"
    data.mkdir(parents=True)
    with redis_running(redis_binary, data) as url:
        load_folder(Lake(settings.lake_dir), SAMPLE, now=from_micros(NOON))
        yield msgspec.structs.replace(settings, redis_url=url)


@pytest.fixture
async def client(house: Settings) -> AsyncIterator[Redis]:
    client = connect(house.redis_address)
    yield client
    await client.aclose()


async def live(house: Settings, client: Redis) -> str:
    """What acting live leaves behind; gives Hugo's customer id."""
    keys, graph, log = wiring.keyed_hash(house), wiring.identity_graph(house, client), wiring.event_log(house, client)
    identifiers = {
        "u00003": (Identifier(IdentifierType.USER_ID, "u00003"), Identifier(IdentifierType.EMAIL, EMAIL)),
        "u00001": (Identifier(IdentifierType.USER_ID, "u00001"), Identifier(IdentifierType.EMAIL, OTHER)),
    }
    names = {user: keys.customer_id(ids[0]) for user, ids in identifiers.items()}
    await graph.seed([(names[user], ids) for user, ids in identifiers.items()], Evidence("feed", "customers", NOON))
    for number, (user, ids) in enumerate(identifiers.items()):
        key = keys.partition_key(ids[0])
        said = event(f"m{number}", user_id=user, anonymous_id=f"anon-of-{'hugo' if number == 0 else 'liam'}")
        await log.append([(key, said)])
        await client.hset(f"rtp:{{{key}}}:f0", mapping={"s": b"state", "c": names[user]})
        await client.xadd("rtp:{decisions}", {"d": msgspec.json.encode({"customerId": names[user]})})
        await client.set(f"rtp:decision:{{d{number}}}", msgspec.json.encode({"customerId": names[user]}))
        await client.hset("rtp:{outbox}:rows", f"a{number}", msgspec.json.encode({"customer_id": names[user]}))
        await client.set(f"rtp:{{outbox}}:cooldown:t:{names[user]}", "1")
    await client.xadd("rtp:{movements}", {"d": "{}"})
    await client.hset(f"rtp:{{m{'0' * 24}}}", mapping={"l": names["u00003"]})
    await client.hset(f"rtp:{{m{'1' * 24}}}", mapping={"l": names["u00001"]})
    for partition in range(log.partitions):
        found = await log.read(WORKER_GROUP, "w", partition, count=10, block_ms=0)
        found = found or await log.read(WORKER_GROUP, "w", partition, count=10, block_ms=0)
        await log.acknowledge(WORKER_GROUP, [Verdict(entry, "applied", "c") for entry in found])
    return names["u00003"]


def built(house: Settings, customer_id: str) -> None:
    """What builds leave behind."""
    feeds = f"{house.lake_dir}/feeds"
    with duckdb.connect(str(house.warehouse_path)) as warehouse:
        warehouse.execute(f"create table customers as from '{feeds}/customers/[!_]*.parquet'")
        warehouse.execute(f"create table lines as from '{feeds}/order_lines/[!_]*.parquet'")
        warehouse.execute("create view named as select email from customers")
    catalog = house.models_dir / "catalog" / "v1"
    catalog.mkdir(parents=True)
    np.save(catalog / "customers.ids.npy", np.array(sorted(["c0", customer_id, "cz"]), dtype=np.bytes_))
    house.logs_dir.mkdir()
    (house.logs_dir / "api.log").write_text(f"a library said {EMAIL}\nand went on\n")


async def erase(house: Settings, client: Redis, shopper: str = f"email:{EMAIL}") -> Regulation:
    erasure = wiring.erasure(house, client)
    return await erasure.carry_out((await erasure.request(shopper)).regulation_id)


def bytes_of(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file as it is, and unpacked."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()
            if path.suffix == ".parquet":
                yield path, repr(duckdb.sql(f"from read_parquet('{path}')").fetchall()).encode()


async def test_no_byte_is_left_and_nobody_else_is_touched(house: Settings, client: Redis) -> None:
    customer_id = await live(house, client)
    built(house, customer_id)
    regulation = await erase(house, client)
    assert regulation.status is ErasureStatus.FINISHED, regulation
    removed = {each.place: each.removed for each in regulation.places}
    assert removed["lake/feeds"] > 100
    assert removed["warehouse"] > 100
    assert {name: removed[name] for name in ("models/catalog", "documents and logs", "redis/event log")} == {
        "models/catalog": 1, "documents and logs": 1, "redis/event log": 1,
    }  # fmt: skip
    for path, data in bytes_of(house.state_dir):
        for trace in [*TRACES, customer_id]:
            assert trace.encode() not in data, (trace, path)
    with duckdb.connect(str(house.warehouse_path)) as warehouse:
        assert warehouse.sql(f"select count(*) from named where email = '{OTHER}'").fetchall() == [(2,)]
        assert warehouse.sql("select count(*) from lines").fetchall() == [(6534,)]
        nobody = "select count(*) from lines where customer_ref is null"
        assert warehouse.sql(nobody).fetchall()[0][0] >= 113
    assert await client.xlen("rtp:{decisions}") == 1
    assert await client.exists("rtp:decision:{d1}") == 1
    assert await client.hkeys("rtp:{outbox}:rows") == [b"a1"]  # type: ignore[misc]
    assert [key async for key in client.scan_iter("rtp:{m[01]*")] == [f"rtp:{{m{'1' * 24}}}".encode()]
    other = await wiring.identity_graph(house, client).resolve(Identifier(IdentifierType.EMAIL, OTHER))
    assert other is not None


async def test_who_was_erased_is_not_loaded_again(house: Settings, client: Redis, tmp_path: Path) -> None:
    await erase(house, client)
    again = tmp_path / "again"
    again.mkdir()
    for name in ("customers.csv", "order_lines.csv", "products.jsonl"):
        (again / name).write_text((SAMPLE / name).read_text() + "\n")
    load_folder(Lake(house.lake_dir), again, now=from_micros(NOON), landing=wiring.landing_check(house))
    customers = duckdb.sql(f"from '{house.lake_dir}/feeds/customers/[!_]*.parquet'")
    assert customers.filter(f"email = '{OTHER}'").count("*").fetchall() != [(0,)]
    assert customers.filter(f"email = '{EMAIL}' or customer_ref in ('u00003', 'L00003')").fetchall() == []
    lines = duckdb.sql(f"from '{house.lake_dir}/feeds/order_lines/[!_]*.parquet'")
    assert lines.filter("customer_ref in ('u00003', 'L00003')").fetchall() == []


async def test_it_waits_for_a_build_a_load_and_the_archiver(house: Settings, client: Redis) -> None:
    held, free = threading.Event(), threading.Event()

    def busy() -> None:
        with held_still(house):
            held.set()
            free.wait()

    async def carry_out() -> ErasureStatus:
        own = connect(house.redis_address)
        try:
            return (await wiring.erasure(house, own).carry_out(regulation_id)).status
        finally:
            await own.aclose()

    def loaded() -> bool:
        feed = f"{house.lake_dir}/feeds/customers/[!_]*.parquet"
        return bool(duckdb.sql(f"from '{feed}' where email = '{EMAIL}'").fetchall())

    with ThreadPoolExecutor() as pool:
        building = pool.submit(busy)
        held.wait()
        regulation_id = (await wiring.erasure(house, client).request(f"email:{EMAIL}")).regulation_id
        erasing = pool.submit(asyncio.run, carry_out())
        try:
            until(lambda: erasing.done() or (house.erasures_dir / regulation_id).exists())
            assert loaded()
        finally:
            free.set()
        building.result()
        assert erasing.result() is ErasureStatus.FINISHED
    assert not loaded()


async def test_one_that_was_killed_is_taken_up_again(
    house: Settings, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then what is left of the person no longer tells all their names."""
    customer_id = await live(house, client)
    erasure = wiring.erasure(house, client)
    regulation_id = (await erasure.request(f"email:{EMAIL}")).regulation_id

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("rtp.stores.erasure.redis_state.RedisKeys._telling", die)
        with pytest.raises(Killed):
            await erasure.carry_out(regulation_id)
    assert await erasure.waiting() == [regulation_id]
    assert (await erasure.carry_out(regulation_id)).status is ErasureStatus.FINISHED
    assert await erasure.waiting() == []
    assert [key async for key in client.scan_iter(f"*{customer_id}*")] == []
    owners = [await client.hget(key, "c") async for key in client.scan_iter("rtp:{p*}")]  # type: ignore[misc]
    assert customer_id.encode() not in owners
    assert (await erasure.carry_out(regulation_id)).status is ErasureStatus.FINISHED


async def test_a_request_that_nobody_made_is_told_so(house: Settings, client: Redis) -> None:
    with pytest.raises(NotFound, match="no such request"):
        await wiring.erasure(house, client).carry_out("unknown")
