"""The worker process: everything it runs, and how it ends."""

import asyncio
import logging
import signal

from rtp.garbage import collect_seldom
from rtp.settings import Settings
from rtp.worker.archiving import ArchiverProcess
from rtp.worker.assemble import open_worker
from rtp.worker.http import WorkerPage

logger = logging.getLogger("rtp.worker")


async def run_worker(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT, then ends what it has begun. Raises Fatal where its port is taken."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_worker(settings) as parts:
        page = await WorkerPage(parts.worker.state, parts.log.accounting).serve(settings.host, settings.worker_port)
        collect_seldom()
        logger.info("worker up: http://%s:%d/healthz and /metrics", settings.host, settings.worker_port)
        async with asyncio.TaskGroup() as group:
            # The first to fail ends all of them, and the process: its supervisor starts it anew.
            for run in (parts.worker.run, *parts.tasks, ArchiverProcess(settings).run):
                group.create_task(run(stop))
        page.close()
        await page.wait_closed()
    logger.info("worker down: nothing left half done")
