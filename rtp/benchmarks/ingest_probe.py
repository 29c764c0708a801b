"""Watches the online store for what probing events change there."""

import asyncio
from time import perf_counter

from redis.asyncio import Redis

from rtp.benchmarks.load import Sent
from rtp.features.views import PROJECT
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Identifier, IdentifierType
from rtp.simulation.recorder import summarize
from rtp.stores.feast_layout import entity_key, field_name

LOOK_SECONDS = 0.002
"""Between two looks: what is measured is late by half of it on average."""
GIVE_UP_SECONDS = 30.0
FIELD = field_name("customer_live", "last_products")


class FeatureProbe:
    """Reads the feature itself, as bytes: a probe's product is in it or not."""

    def __init__(self, client: Redis, keys: KeyedHash) -> None:
        self._client = client
        self._keys = keys
        self._waiting: dict[str, tuple[Sent, bytes]] = {}
        self.seen: list[tuple[Sent, float]] = []
        """Requests with the monotonic time at which their first event was visible."""

    def accepted(self, request: Sent) -> None:
        """A request was answered: look for it from now on."""
        customer = self._keys.customer_id(Identifier(IdentifierType.USER_ID, request.user_id))
        self._waiting[request.probe] = (request, entity_key(PROJECT, {"customer_id": customer}))

    async def watch(self) -> None:
        """Looks until it is cancelled."""
        while True:
            if self._waiting:
                await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        wanted = list(self._waiting.items())
        pipeline = self._client.pipeline(transaction=False)
        for _, (_, key) in wanted:
            pipeline.hget(key, FIELD)  # type: ignore[arg-type]
        values, now = await pipeline.execute(), perf_counter()
        for (probe, (request, _)), value in zip(wanted, values, strict=True):
            if value and probe.encode() in value:
                self.seen.append((request, now))
                del self._waiting[probe]

    async def finish(self, watching: "asyncio.Task[None]") -> None:
        """Waits for what is still on its way, then ends the watching."""
        give_up = perf_counter() + GIVE_UP_SECONDS
        while self._waiting and perf_counter() < give_up:  # noqa: ASYNC110 - it ends with the last answer seen
            await asyncio.sleep(LOOK_SECONDS)
        watching.cancel()

    def figures(self) -> dict[str, float]:
        """Percentiles in milliseconds, and how many were never seen."""
        accepted = summarize([max(0.0, at - request.accepted_at) for request, at in self.seen])
        sent = summarize([at - request.sent_at for request, at in self.seen])
        answered = summarize([request.accepted_at - request.sent_at for request, _ in self.seen])
        found: dict[str, float] = {}
        for name, latency in (("accepted_to_feature", accepted), ("sent_to_feature", sent), ("accept", answered)):
            if latency is not None:
                found |= {f"{name}_p50": round(latency.p50, 1), f"{name}_p99": round(latency.p99, 1)}
        return found
