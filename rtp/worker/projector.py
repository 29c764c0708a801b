"""The effect `project`: the customer's fragments combined into their row of `customer_live`."""

from collections.abc import Sequence

from rtp.clock import Clock, to_micros
from rtp.coalescing import Coalescer
from rtp.features.live import combine, project
from rtp.features.online import OnlineStore
from rtp.identity.graph import IdentityGraph
from rtp.profile.effects import Effect
from rtp.profile.store import FragmentStore

CUSTOMER_LIVE = "customer_live"


class Projector:
    """EffectHandler that writes each customer at most once per write under way, however many effects ask for it.

    One projection's time is taken before its fragments are read, and the online store keeps the newer one: so the last
    write always shows everything that was folded before it, whoever else projects the same customer.
    """

    def __init__(self, graph: IdentityGraph, fragments: FragmentStore, online: OnlineStore, clock: Clock) -> None:
        self._graph = graph
        self._fragments = fragments
        self._online = online
        self._clock = clock
        self._coalescer: Coalescer[str, None] = Coalescer(self._project)

    async def __call__(self, customer_id: str, effects: list[Effect]) -> None:  # noqa: ARG002 - any effect asks the same
        """Returns once the customer's row shows everything folded before the call."""
        await self._coalescer.submit([customer_id])

    async def _project(self, customer_ids: Sequence[str]) -> list[None]:
        now = to_micros(self._clock())
        wanted = list(dict.fromkeys(customer_ids))
        customers = [found for found in await self._graph.customers(wanted) if found is not None]
        loaded = iter(await self._fragments.load([each for found in customers for each in found.fragments]))
        rows = []
        for found in customers:
            live = combine(next(loaded).state.live for _ in found.fragments)
            if live:
                rows.append(({"customer_id": found.customer_id}, now, project(live, now)))
        await self._online.write(CUSTOMER_LIVE, rows)
        return [None] * len(customer_ids)
