"""A machine whose processes can be killed, shoppers who remember what was accepted, and a recount of it all."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from rtp import wiring
from rtp.errors import Retryable
from rtp.features.live import combine
from rtp.identity.types import Identifier, IdentifierType
from rtp.services.redis_server import RedisBinary, redis_arguments
from rtp.settings import Settings, checkout_root
from rtp.signals.event import Event
from tests.conftest import free_port
from tests.making import NOON, event

USERS = 40
PRODUCTS = 20
SECRET = "the identity secret of the crash test"


class Machine:
    """A Redis and workers that can be killed and started again; the first worker is there from the beginning."""

    def __init__(self, binary: RedisBinary, folder: Path) -> None:
        self.redis_port, self.worker_port = free_port(), free_port()
        (folder / "redis").mkdir()
        self._redis = redis_arguments(binary.path, folder / "redis", host="127.0.0.1", port=self.redis_port)
        self._environment = os.environ | {
            "RTP_STATE_DIR": str(folder / "state"), "RTP_REDIS_PORT": str(self.redis_port),
            "RTP_WORKER_PORT": str(self.worker_port), "RTP_IDENTITY_SECRET": SECRET, "RTP_PARTITIONS": "4",
            "RTP_LOG_LEVEL": "warning",
        }  # fmt: skip
        self.worker_ports = {"worker": self.worker_port}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.start("redis")
        self.start("worker")

    def page(self, name: str) -> str:
        """The /healthz of a worker: "worker", "worker-2"."""
        return f"http://127.0.0.1:{self.worker_ports.setdefault(name, free_port())}/healthz"

    def partitions(self, name: str) -> int:
        """How many partitions a worker reads; 0 until it answers."""
        try:
            return int(httpx.get(self.page(name), timeout=2.0).json()["partitions"])
        except httpx.TransportError:
            return 0

    def start(self, name: str) -> None:
        arguments = self._redis if name == "redis" else [sys.executable, "-m", "rtp", "worker"]
        port = {} if name == "redis" else {"RTP_WORKER_PORT": self.page(name).split(":")[2].partition("/")[0]}
        self.processes[name] = subprocess.Popen(
            arguments, env=self._environment | port, stdout=subprocess.DEVNULL, cwd=checkout_root()
        )

    def crash(self, name: str) -> None:
        """Kills it without warning, and starts it again."""
        self.processes[name].kill()
        self.processes[name].wait()
        self.start(name)

    def stop(self) -> None:
        for name in reversed(list(self.processes)):
            self.processes[name].send_signal(signal.SIGTERM)
            self.processes[name].wait(timeout=20)


class Shoppers:
    """Sends events, again with the same ids where it was not told that they arrived; remembers what was accepted."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._random = random.Random(seed)
        self._client = wiring.redis_client(settings)
        self._log = wiring.event_log(settings, self._client)
        self._keys = wiring.keyed_hash(settings)
        self.accepted: dict[str, Event] = {}
        self.closing = False

    async def shop(self, until: float, name: int) -> None:
        number = 0
        while time.monotonic() < until and not self.closing:
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


async def recount(settings: Settings, client: Redis, shoppers: Shoppers) -> None:
    """Waits until nothing is pending; then compares counters, fragments, features and stock with what was accepted."""
    log = wiring.event_log(settings, client)

    async def idle() -> bool:
        return (await log.accounting()).pending == 0

    await until(idle)
    accounting = await log.accounting()
    sent = shoppers.accepted.values()
    assert accounting.applied == len(sent) > 200
    assert accounting.accepted == accounting.applied + accounting.duplicates
    assert accounting.rejected == 0

    keys = wiring.keyed_hash(settings)
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
    positions = await wiring.stock_store(settings, client).positions(pairs, now=NOON)
    assert sum(position.committed for position in positions if position) == orders
    assert combine(found.state.live for found in fragments)["acts"] == len(sent)
