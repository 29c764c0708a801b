"""The archiver in a process of its own, beside the worker that started it.

Decoding a batch of entries and compressing it takes tenths of a second of processor time: in the worker's process that
would hold up events. Here it has its own interpreter, and steps back where processors are busy.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping

from rtp import wiring
from rtp.settings import Settings, environment_of, load_settings
from rtp.worker.assemble import open_archiver

logger = logging.getLogger("rtp.archive")

NICENESS = 5
PAUSE_SECONDS = 1.0
"""Before one that ended by itself is started again."""


class ArchiverProcess:
    """Keeps one archiver running. It ends with whoever started it, however that ends: its input closes then."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self._environment = {**(os.environ if environment is None else environment), **environment_of(settings)}
        self.pid = 0
        """Of the process that runs now; 0 where none does."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then it archives once more, and this returns when it has ended."""
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "rtp.worker.archiving", stdin=asyncio.subprocess.PIPE, env=self._environment
            )
            self.pid = process.pid
            ended = asyncio.create_task(process.wait())
            await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
            if process.stdin is not None:
                process.stdin.close()
            code = await ended
            self.pid = 0
            if not stop.is_set():
                logger.warning("the archiver ended with code %d; it is started again", code)
                await asyncio.wait({stopping}, timeout=PAUSE_SECONDS)


async def archive(settings: Settings) -> None:
    """Archives until the standard input closes, or SIGTERM or SIGINT comes; then once more."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def starter_has_gone() -> None:
        loop.remove_reader(sys.stdin)
        stop.set()

    loop.add_reader(sys.stdin, starter_has_gone)
    client = wiring.redis_client(settings)
    try:
        await open_archiver(settings, client).run(stop)
    finally:
        await client.aclose()


def main() -> None:
    """The process."""
    settings = load_settings()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    os.nice(NICENESS)
    asyncio.run(archive(settings))


if __name__ == "__main__":
    main()
