"""The worker on the stores that wiring chooses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from rtp import wiring
from rtp.clock import random_id, system_clock
from rtp.inventory.live import stock_live
from rtp.profile.effects import EffectHandler, EffectKind, TriggerRule
from rtp.settings import Settings
from rtp.signals.log import EventLog
from rtp.worker.effects import EffectDrain, stock_handler
from rtp.worker.processing import Processor, ProcessorSettings
from rtp.worker.projector import Projector
from rtp.worker.service import Worker


class WorkerParts(msgspec.Struct, frozen=True):
    """A worker, and the log it reads."""

    worker: Worker
    log: EventLog


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncIterator[WorkerParts]:
    """A worker, opened for as long as the context lasts; Redis need not be up yet."""
    client = wiring.redis_client(settings)
    graph, fragments = wiring.identity_graph(settings, client), wiring.fragment_store(client)
    rejected, log = wiring.rejected_log(client), wiring.event_log(settings, client)
    online = wiring.online_store(client)
    stock = wiring.stock_store(settings, client, listener=stock_live(online))
    handlers: dict[EffectKind, EffectHandler] = {
        "project": Projector(graph, fragments, online, system_clock),
        "stock": stock_handler(stock, system_clock),
    }
    rule = TriggerRule()
    processor = Processor(
        graph=graph,
        fragments=fragments,
        orders=wiring.order_claims(client),
        drain=EffectDrain(handlers, rejected, system_clock),
        rejected=rejected,
        rule=rule,
        settings=ProcessorSettings(settings.phone_region, settings.anonymous_ttl_days),
    )
    name = f"worker-{random_id()[:8]}"
    leases = wiring.partition_leases(settings, client, owner=name)
    try:
        yield WorkerParts(Worker(log, processor, leases, name=name, clock=system_clock), log)
    finally:
        await client.aclose()
