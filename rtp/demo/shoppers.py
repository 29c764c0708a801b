"""The shoppers' part of the demonstration: play, show, settle."""

import asyncio
import time

import msgspec
from rich.live import Live

from rtp.clock import random_id, system_clock
from rtp.demo.live import live_table
from rtp.signals.log import Accounting, EventLog
from rtp.simulation.client import ChannelClient
from rtp.simulation.households import Household
from rtp.simulation.play import Pace, play
from rtp.simulation.receiver import Receiver
from rtp.simulation.recorder import Recorder
from rtp.terminal import progress_console

SETTLE_SECONDS = 120.0
REFRESH_SECONDS = 0.5


class Crowd(msgspec.Struct, frozen=True):
    """Who plays."""

    households: list[Household]
    seed: int
    pace: Pace


async def play_and_show(crowd: Crowd, client: ChannelClient, recorder: Recorder, receiver: Receiver) -> None:
    """Lets the crowd shop while a live table shows what happens."""
    wanted = len(crowd.households)
    with Live(live_table(recorder, receiver, wanted=wanted), console=progress_console, auto_refresh=False) as live:

        async def show() -> None:
            while True:
                live.update(live_table(recorder, receiver, wanted=wanted), refresh=True)
                await asyncio.sleep(REFRESH_SECONDS)

        showing = asyncio.create_task(show())
        try:
            await play(
                crowd.households,
                client,
                recorder,
                seed=crowd.seed,
                pace=crowd.pace,
                clock=system_clock,
                fresh_id=random_id,
            )
        finally:
            showing.cancel()
            live.update(live_table(recorder, receiver, wanted=wanted), refresh=True)


async def settle(log: EventLog, before: Accounting) -> Accounting:
    """What became of the events since `before`, once none is pending (or time is over, which the summary tells)."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        now = await log.accounting()
        if now.pending == 0 or time.monotonic() > deadline:
            return Accounting(
                accepted=now.accepted - before.accepted,
                applied=now.applied - before.applied,
                duplicates=now.duplicates - before.duplicates,
                rejected=now.rejected - before.rejected,
                pending=now.pending,
            )
        await asyncio.sleep(0.1)
