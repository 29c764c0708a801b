"""The demonstration from nothing to its summary."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

from rtp.demo import figures
from rtp.demo.shoppers import Crowd, play_and_show, settle
from rtp.demo.steps import is_loaded, load_command, run_rtp
from rtp.demo.summary import DemoSummary
from rtp.errors import Fatal
from rtp.services.background import start_detached, stop_running
from rtp.services.run_state import read_run_state
from rtp.settings import Settings
from rtp.signals.log import Accounting
from rtp.simulation.client import ChannelClient
from rtp.simulation.households import read_households
from rtp.simulation.play import Pace
from rtp.simulation.receiver import Receiver
from rtp.simulation.recorder import Recorder, summarize
from rtp.stores.keyring import load_keyring
from rtp.terminal import progress_console
from rtp.wiring import event_log, redis_client


class DemoOptions(msgspec.Struct, frozen=True):
    """How large the demonstration is."""

    fast: bool = False
    shoppers: int = 300
    seed: int = 7


@contextmanager
def demo(settings: Settings, options: DemoOptions) -> Iterator[DemoSummary]:
    """Starts everything, plays, and gives the summary while all goes on serving; stops all at the end.

    Raises Fatal, with what to do, if one is up already or a step fails.
    """
    if read_run_state(settings) is not None:
        raise Fatal("It is already up.", hint="`rtp down` stops it; then start the demonstration again.")
    started = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with Receiver(load_keyring(settings).webhook_secret) as receiver:
        os.environ["RTP_ACTIVATION_WEBHOOK_URL"] = os.environ["RTP_AUDIENCE_WEBHOOK_URL"] = receiver.url
        # Starting is mostly imports and loading is mostly one core: side by side they take no longer than one.
        progress_console.print("rtp up (in the background)")
        starting = ThreadPoolExecutor(1).submit(start_detached, settings)
        try:
            _load(settings, options)
            starting.result()
            run_rtp(settings, ["build"])
            recorder = Recorder()
            events = asyncio.run(_shop(settings, options, recorder, receiver))
            run_rtp(settings, ["build", "--day", datetime.now(tz=UTC).date().isoformat()])
            yield _summarize(settings, recorder, receiver, events, seconds=time.monotonic() - started)
        finally:
            while not stop_running(settings) and not starting.done():
                time.sleep(0.1)


def _load(settings: Settings, options: DemoOptions) -> None:
    if not is_loaded(settings):
        run_rtp(settings, load_command(fast=options.fast))


async def _shop(settings: Settings, options: DemoOptions, recorder: Recorder, receiver: Receiver) -> Accounting:
    keys = load_keyring(settings)
    households = read_households(settings.lake_dir / "feeds", wanted=options.shoppers, seed=options.seed)
    crowd = Crowd(households, options.seed, Pace(concurrent=12, pause_seconds=0.1))
    redis = redis_client(settings)
    client = ChannelClient(settings.api_url, write_key=keys.write, server_key=keys.server, recorder=recorder)
    try:
        log = event_log(settings, redis)
        before = await log.accounting()
        await play_and_show(crowd, client, recorder, receiver)
        return await settle(log, before)
    finally:
        await client.close()
        await redis.aclose()


def _summarize(
    settings: Settings, recorder: Recorder, receiver: Receiver, events: Accounting, *, seconds: float
) -> DemoSummary:
    activations = [
        (payload["data"], arrived) for _, payload, arrived in receiver.messages if payload["type"] == "next_best_action"
    ]
    recorder.seconds["event_to_delivered"] = [
        arrived - datetime.fromisoformat(data["causedAt"]).timestamp() for data, arrived in activations
    ]
    return DemoSummary(
        source=figures.source_name(settings),
        rows=figures.mart_rows(settings),
        events=events,
        sent=recorder.counts["accepted"],
        counts=dict(recorder.counts),
        latencies={name: summarize(seconds) for name, seconds in recorder.seconds.items()},
        broken_promises=recorder.broken_promises,
        delivered=len({data["activationId"] for data, _ in activations}),
        refused_signatures=receiver.refused,
        model=figures.model_figures(settings),
        addresses={
            "Dagster": settings.dagster_url,
            "API": settings.api_url,
            "OpenAPI": f"{settings.api_url}/openapi.json",
        },
        seconds=seconds,
    )
