"""Kill -9 of the worker and of Redis under load: nothing lost, nothing doubled, no effect missing."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rtp import wiring
from rtp.errors import Retryable
from rtp.features.live import combine
from rtp.identity.types import Identifier, IdentifierType
from rtp.services.health import is_ready
from rtp.services.redis_server import RedisBinary, redis_arguments
from rtp.settings import Settings, checkout_root
from rtp.signals.event import Event
from tests.conftest import free_port
from tests.making import NOON, event

USERS = 40
PRODUCTS = 20
SECONDS = 7.0
SECRET = "the identity secret of the crash test"


class Machine:
    """A Redis and a worker that can be killed and started again."""

    def __init__(self, binary: RedisBinary, folder: Path) -> None:
        self.redis_port, self.worker_port = free_port(), free_port()
        (folder / "redis").mkdir()
        self._redis = redis_arguments(binary.path, folder / "redis", host="127.0.0.1", port=self.redis_port)
        self._environment = os.environ | {
            "RTP_STATE_DIR": str(folder / "state"), "RTP_REDIS_PORT": str(self.redis_port),
            "RTP_WORKER_PORT": str(self.worker_port), "RTP_IDENTITY_SECRET": SECRET, "RTP_PARTITIONS": "4",
            "RTP_LOG_LEVEL": "warning",
        }  # fmt: skip
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.start("redis")
        self.start("worker")

    def start(self, name: str) -> None:
        arguments = self._redis if name == "redis" else [sys.executable, "-m", "rtp", "worker"]
        self.processes[name] = subprocess.Popen(
            arguments, env=self._environment, stdout=subprocess.DEVNULL, cwd=checkout_root()
        )

    def crash(self, name: str) -> None:
        """Kills it without warning, and starts it again."""
        self.processes[name].kill()
        self.processes[name].wait()
        self.start(name)

    def stop(self) -> None:
        for name in ("worker", "redis"):
            self.processes[name].send_signal(signal.SIGTERM)
            self.processes[name].wait(timeout=20)


@pytest.fixture
def machine(redis_binary: RedisBinary, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(redis_binary, tmp_path)
    try:
        yield machine
    finally:
        for process in machine.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def crash_settings(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("RTP_IDENTITY_SECRET", SECRET)
    return Settings(
        root=checkout_root(), state_dir=tmp_path / "state", config_dir=checkout_root() / "config",
        redis_port=machine.redis_port, worker_port=machine.worker_port, partitions=4,
    )  # fmt: skip


class Shoppers:
    """Sends events, again with the same ids where it was not told that they arrived; remembers what was accepted."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._random = random.Random(seed)
        self._client = wiring.redis_client(settings)
        self._log = wiring.event_log(settings, self._client)
        self._keys = wiring.keyed_hash(settings)
        self.accepted: dict[str, Event] = {}

    async def shop(self, until: float, name: int) -> None:
        number = 0
        while time.monotonic() < until:
            batch = [self._make(f"{name}-{number}-{index}") for index in range(5)]
            number += 1
            while not await self._send(batch):  # noqa: ASYNC110 - Redis is being started again
                await asyncio.sleep(0.02)
            if self._random.random() < 0.1:
                await self._send(batch)
            await asyncio.sleep(0.02)

    def _make(self, message_id: str) -> tuple[str, Event]:
        user = f"u{self._random.randrange(USERS)}"
        if self._random.random() < 0.1:
            product = f"p{self._random.randrange(PRODUCTS)}"
            properties: dict[str, Any] = {
                "orderId": f"o-{message_id}",
                "products": [{"productId": product, "quantity": 1}],
            }
            made = event(message_id, "Order Completed", user_id=user, properties=properties, context={"storeId": "s1"})
        else:
            made = event(message_id, user_id=user, properties={"productId": "p1"})
        return self._keys.partition_key(Identifier(IdentifierType.USER_ID, user)), made

    async def _send(self, batch: list[tuple[str, Event]]) -> bool:
        try:
            await self._log.append(batch)
        except Retryable:
            return False
        self.accepted |= {each.message_id: each for _, each in batch}
        return True

    async def close(self) -> None:
        await self._client.aclose()


async def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if await condition():
                return
        except Retryable:
            pass
        assert time.monotonic() < deadline, "the condition never came true"
        await asyncio.sleep(0.05)


async def disturb(machine: Machine, seed: int, until: float) -> Counter[str]:
    chance, crashes = random.Random(seed), Counter[str]()
    while time.monotonic() < until:
        await asyncio.sleep(chance.uniform(0.5, 2.5))
        name = chance.choice(["redis", "worker"])
        await asyncio.to_thread(machine.crash, name)
        crashes[name] += 1
    return crashes


@pytest.mark.parametrize("seed", [7])
async def test_crashes_lose_nothing_double_nothing_and_miss_no_effect(
    machine: Machine, crash_settings: Settings, seed: int
) -> None:
    client = wiring.redis_client(crash_settings)
    log = wiring.event_log(crash_settings, client)
    shoppers = Shoppers(crash_settings, seed)
    await until(log.accounting)
    end = time.monotonic() + SECONDS
    crashes, *_ = await asyncio.gather(disturb(machine, seed, end), *(shoppers.shop(end, each) for each in range(4)))
    assert set(crashes) == {"redis", "worker"}

    async def idle() -> bool:
        return (await log.accounting()).pending == 0

    await until(idle)
    accounting = await log.accounting()
    sent = shoppers.accepted.values()
    assert accounting.applied == len(sent) > 200
    assert accounting.accepted == accounting.applied + accounting.duplicates
    assert accounting.rejected == 0

    keys = wiring.keyed_hash(crash_settings)
    users = {f"u{number}": Identifier(IdentifierType.USER_ID, f"u{number}") for number in range(USERS)}
    fragments = await wiring.fragment_store(client).load([keys.partition_key(each) for each in users.values()])
    expected = Counter(each.user_id for each in sent)
    assert [found.state.applied for found in fragments] == [expected[user] for user in users]
    assert all(not found.pending for found in fragments)
    rows = await wiring.online_store(client).read(
        [{"customer_id": keys.customer_id(each)} for each in users.values()], ["customer_live:events_total"]
    )
    assert [row["customer_live:events_total"] for row in rows] == [expected[user] or None for user in users]
    orders = sum(each.name == "Order Completed" for each in sent)
    pairs = [("s1", f"p{number}") for number in range(PRODUCTS)]
    positions = await wiring.stock_store(crash_settings, client).positions(pairs, now=NOON)
    assert sum(position.committed for position in positions if position) == orders
    assert combine(found.state.live for found in fragments)["acts"] == len(sent)
    await shoppers.close()
    await client.aclose()
    # The last one started may not have come to where it handles signals.
    page = f"http://{crash_settings.host}:{crash_settings.worker_port}/healthz"
    await until(lambda: asyncio.to_thread(is_ready, page))
    machine.stop()
    assert machine.processes["worker"].returncode == 0
