"""The worker on the stores that wiring chooses."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

import msgspec
from redis.asyncio import Redis

from rtp import wiring
from rtp.activation.assembly import Activation
from rtp.clock import random_id, system_clock
from rtp.inventory.live import stock_live
from rtp.profile.effects import EffectHandler, EffectKind
from rtp.profile.projector import Projector
from rtp.profile.suppression import SuppressingSink
from rtp.settings import Settings
from rtp.signals.log import EventLog
from rtp.stores.models import ModelFolder
from rtp.stores.warehouse import warehouse_lock
from rtp.worker import telemetry
from rtp.worker.archive import Archiver
from rtp.worker.effects import EffectDrain, StockHandler
from rtp.worker.processing import Processor, ProcessorSettings
from rtp.worker.rebuilding import Rebuilder
from rtp.worker.retrying import Retrier
from rtp.worker.rows import StaleRows
from rtp.worker.service import Worker

ROWS_REMEMBERED = 30_000
"""Customers of whom only what has changed is written: some 90 MB."""


class WorkerParts(msgspec.Struct, frozen=True):
    """Everything that runs in a worker process."""

    worker: Worker
    processor: Processor
    log: EventLog
    tasks: tuple[Callable[[asyncio.Event], Coroutine[Any, Any, None]], ...]
    """Run beside the worker until the event given is set."""


def open_archiver(settings: Settings, client: Redis) -> Archiver:
    """What moves the log into the lake; `flush()` does it now."""
    return Archiver(
        wiring.lake(settings),
        wiring.archive_sources(settings, client),
        every_seconds=settings.archive_seconds,
        no_build=lambda: warehouse_lock(settings, wait_seconds=0.0),
    )


class _Effects(msgspec.Struct, frozen=True):
    """What carries out effects."""

    activation: Activation
    handlers: dict[EffectKind, EffectHandler]
    knowledge: ModelFolder


def _effects(settings: Settings, client: Redis) -> _Effects:
    online, consent, knowledge = wiring.online_store(client), wiring.consent(client), wiring.knowledge(settings)
    decider = wiring.decider(settings, client, consent_of=consent.read, online=online, knowledge=knowledge)
    graph = wiring.identity_graph(settings, client)
    activation = wiring.activation(settings, client, decider=decider, consent=consent, graph=graph, clock=system_clock)
    stock = wiring.stock_store(settings, client, listener=stock_live(online))
    handlers: dict[EffectKind, EffectHandler] = {
        "stock": StockHandler(stock, system_clock),
        "activate": activation.handler,
    }
    return _Effects(activation, handlers, knowledge)


def open_retrier(settings: Settings, client: Redis) -> Retrier:
    """What puts rejected events through again; raises Fatal as :func:`open_worker` does."""
    check = wiring.suppression_check(settings, wiring.suppression(client))
    return Retrier(
        wiring.dead_letters(settings, client),
        SuppressingSink(wiring.event_log(settings, client), check),
        wiring.lake(settings),
        keys=wiring.keyed_hash(settings),
        spelling=wiring.identity_rules(settings).spelling,
        handlers=_effects(settings, client).handlers,
        clock=system_clock,
    )


def open_rebuilder(settings: Settings, client: Redis) -> Rebuilder:
    """What replays the archive into the live fragments."""
    fragments = wiring.fragment_store(client)
    projector = Projector(wiring.identity_graph(settings, client), fragments, wiring.online_store(client), system_clock)
    source, aside = wiring.replay_source(settings, client), wiring.fragments_aside(client)
    return Rebuilder(source, fragments, aside, projector.project, anonymous_ttl_days=settings.anonymous_ttl_days)


@asynccontextmanager
async def open_worker(
    settings: Settings, *, stage: Callable[[str], AbstractContextManager[None]] = telemetry.stage
) -> AsyncIterator[WorkerParts]:
    """The parts, opened for as long as the context lasts; Redis need not be up yet. `stage`: see Processor.

    Raises Fatal with file and line for a config that cannot be meant.
    """
    client = wiring.redis_client(settings)
    graph, fragments, online = (
        wiring.identity_graph(settings, client),
        wiring.fragment_store(client),
        wiring.online_store(client, remembered=ROWS_REMEMBERED),
    )
    projector = Projector(graph, fragments, online, system_clock)
    rejected, log, effects = wiring.rejected_log(client), wiring.event_log(settings, client), _effects(settings, client)
    suppressed = wiring.suppression(client)
    processor = Processor(
        graph=graph,
        fragments=fragments,
        orders=wiring.order_claims(client),
        projector=projector,
        drain=EffectDrain(effects.handlers, rejected, system_clock),
        rejected=rejected,
        rule=effects.activation.rule,
        settings=ProcessorSettings(wiring.identity_rules(settings).spelling, settings.anonymous_ttl_days),
        suppressed=wiring.suppression_check(settings, suppressed),
        clock=system_clock,
        stage=stage,
    )
    name = f"worker-{random_id()[:8]}"
    worker = Worker(log, processor, wiring.partition_leases(settings, client, owner=name), name=name)

    async def watch(stop: asyncio.Event) -> None:
        watching = [asyncio.create_task(each) for each in (effects.knowledge.watch(), suppressed.watch())]
        await stop.wait()
        for each in watching:
            each.cancel()

    try:
        beside = (effects.activation.sender.run, watch, StaleRows(graph, projector).run)
        yield WorkerParts(worker, processor, log, beside)
    finally:
        await client.aclose()
