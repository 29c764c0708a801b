"""The archiver as a process of its own: it archives, comes back when it dies, and ends with the worker."""

import asyncio
import os
import signal
from collections.abc import Callable

import msgspec
from redis.asyncio import Redis

from rtp import wiring
from rtp.settings import Settings, environment_of, load_settings
from rtp.signals.log import WORKER_GROUP, Verdict
from rtp.worker.archiving import ArchiverProcess
from tests.making import event, user_key

PATIENCE_SECONDS = 60


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nothing tells when another process is through
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def one_more(client: Redis, settings: Settings, message_id: str) -> None:
    """An accepted event that the worker is through with."""
    log = wiring.event_log(settings, client)
    await log.append([(user_key(message_id), event(message_id, user_id=message_id))])
    for partition in range(log.partitions):
        entries = await log.read(WORKER_GROUP, "w", partition, count=10, block_ms=0)
        await log.acknowledge(WORKER_GROUP, [Verdict(each, "applied", "c1") for each in entries])


async def test_it_archives_is_started_again_and_ends_with_its_last_batch(
    redis_client: Redis, redis_url: str, settings: Settings
) -> None:
    settings = msgspec.structs.replace(settings, redis_url=redis_url, archive_seconds=1)
    archive = wiring.lake(settings).archive("events")
    archiver, stop = ArchiverProcess(settings), asyncio.Event()
    running = asyncio.create_task(archiver.run(stop))
    await one_more(redis_client, settings, "m1")
    await until(lambda: len(list(archive.glob("received_date=*/*.parquet"))) == 1)
    first = archiver.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: archiver.pid not in {0, first})
    await one_more(redis_client, settings, "m2")
    await until(lambda: len(list(archive.glob("received_date=*/*.parquet"))) == 2)
    second = archiver.pid
    stop.set()
    await running
    assert not is_running(second)


def test_a_process_with_these_variables_has_the_same_settings(settings: Settings) -> None:
    assert load_settings(environment_of(settings)) == settings
