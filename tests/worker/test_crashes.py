"""Kill -9 of the worker and of Redis under load: nothing lost, nothing doubled, no effect missing."""

import asyncio
import random
import time
from collections import Counter

import pytest

from rtp import wiring
from rtp.services.health import is_ready
from rtp.settings import Settings
from tests.worker.crashing import Machine, Shoppers, recount, until

SECONDS = 7.0


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
    await recount(crash_settings, client, shoppers)
    await shoppers.close()
    await client.aclose()
    # The last one started may not have come to where it handles signals.
    page = f"http://{crash_settings.host}:{crash_settings.worker_port}/healthz"
    await until(lambda: asyncio.to_thread(is_ready, page))
    machine.stop()
    assert machine.processes["worker"].returncode == 0
