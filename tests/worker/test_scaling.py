"""Workers scale by starting more, and by dying: partitions move within seconds, nothing is lost or doubled."""

import asyncio
import time

from rtp import wiring
from rtp.settings import Settings
from tests.worker.crashing import Machine, Shoppers, recount, until


async def test_partitions_move_to_a_second_worker_and_back_from_its_corpse(
    machine: Machine, crash_settings: Settings
) -> None:
    client = wiring.redis_client(crash_settings)
    log, shoppers = wiring.event_log(crash_settings, client), Shoppers(crash_settings, seed=3)
    await until(log.accounting)

    async def shared(*wanted: int) -> None:
        names = ("worker", "worker-2")[: len(wanted)]

        async def as_wanted() -> bool:
            held = await asyncio.gather(*(asyncio.to_thread(machine.partitions, name) for name in names))
            return tuple(held) == wanted

        await until(as_wanted)

    shopping = [asyncio.create_task(shoppers.shop(time.monotonic() + 120, each)) for each in range(3)]
    await shared(4)
    machine.start("worker-2")
    await shared(2, 2)
    before = len(shoppers.accepted)
    machine.processes["worker-2"].kill()
    await shared(4)
    shoppers.closing = True
    await asyncio.gather(*shopping)
    assert len(shoppers.accepted) > before, "shoppers went on while partitions moved"
    await recount(crash_settings, client, shoppers)
    await shoppers.close()
    await client.aclose()
