"""The customer's fragments, combined into their row of `customer_live`."""

from collections.abc import Mapping, Sequence

from rtp.clock import Clock, to_micros
from rtp.features.live import combine, project
from rtp.features.online import OnlineStore
from rtp.identity.graph import IdentityGraph
from rtp.profile.fragment import Fragment
from rtp.profile.store import FragmentStore

CUSTOMER_LIVE = "customer_live"


class Projector:
    """Writes customers' rows.

    A projection's time is taken before its fragments are read, and the online store keeps the newer row: so the last
    write shows everything that was folded before it, whoever else projects the same customer.
    """

    def __init__(self, graph: IdentityGraph, fragments: FragmentStore, online: OnlineStore, clock: Clock) -> None:
        self._graph = graph
        self._fragments = fragments
        self._online = online
        self._clock = clock

    async def project(
        self, customer_ids: Sequence[str], known: Mapping[str, Fragment] | None = None, *, known_empty: bool = False
    ) -> None:
        """Returns once the rows show everything folded before the call; three round trips, however many they are.

        `known` are fragments as they were last seen: they are read only where they have changed since. The rows of
        customers that were merged into these say from now on that nothing is known. A customer without any live state
        gets no row, unless `known_empty` asks for one that says so.
        """
        if not customer_ids:
            return
        now = to_micros(self._clock())
        customers = [found for found in await self._graph.customers(customer_ids) if found is not None]
        wanted = [each for found in customers for each in found.fragments]
        loaded = iter(await self._fragments.load(wanted, known=known))
        rows = []
        for found in customers:
            states = [next(loaded).state.live for _ in found.fragments]
            live = states[0] if len(states) == 1 else combine(states)
            if live or known_empty:
                rows.append(({"customer_id": found.customer_id}, now, project(live, now)))
            # Who went into another customer has no row of their own any more: nobody may read what it said.
            rows += [({"customer_id": gone}, now, project({}, now)) for gone in found.stale]
        if rows:
            await self._online.write(CUSTOMER_LIVE, rows)
        for found in customers:
            if found.stale:
                await self._graph.forget_stale(found)
