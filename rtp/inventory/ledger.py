"""The StockStore, less the place where states are kept: what each call changes, by the pure fold."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from rtp.inventory import available
from rtp.inventory.available import Availability, ReserveOutcome
from rtp.inventory.counts import with_bulk_count
from rtp.inventory.live import StockListener
from rtp.inventory.state import StockState, fold, stores_of
from rtp.inventory.stock import Count, Movement, StockPosition

Pair = tuple[str, str]
Change = Callable[[StockState], StockState]
"""Gives the same object back where nothing changes. May be called again, with a newer state."""

CHUNK = 4_000
T = TypeVar("T")


class StockLedger(ABC):
    """Counts, movements, reservations and commitments over any place that can compare and set a state.

    Every call is idempotent: after Retryable the same call may be made again. `freshness` (µs): older positions
    promise nothing. `listener` is told of every changed position, except by `seed`.
    """

    def __init__(self, *, freshness: int, listener: StockListener | None = None) -> None:
        self._freshness = freshness
        self._listener = listener

    @abstractmethod
    async def _read(self, pairs: Sequence[Pair]) -> list[StockState]:
        """The states at source; an empty one where nothing is known."""

    @abstractmethod
    async def _update(self, changes: Mapping[Pair, Change], *, now: int) -> dict[Pair, StockState]:
        """Changes each state as if alone with it; gives those that changed. `now` dates the mirror's summary."""

    @abstractmethod
    async def _summaries(self, store_id: str, product_ids: Sequence[str]) -> list[Availability | None]:
        """The mirror's summaries of a store's products."""

    @abstractmethod
    async def _all_summaries(self, store_id: str) -> Mapping[str, Availability]:
        """The whole mirror of a store, by product."""

    async def reserved(self, store_id: str, *, now: int) -> dict[str, int]:
        """Units that running reservations hold at `now`, by product; the mirror says where to look."""
        summaries = await self._all_summaries(store_id)
        holding = [product for product, each in summaries.items() if each.reserved and now < each.reserved_until]
        found = await self.positions([(store_id, product) for product in holding], now=now) if holding else []
        return {each.product_id: each.reserved for each in found if each is not None and each.reserved}

    async def apply(self, movements: Sequence[Movement]) -> int:
        """Applies movements, in any order, each once; returns how many changed something."""
        batches: dict[Pair, list[Movement]] = {}
        # Oldest first: nothing in a batch makes another part of it too late.
        for movement in sorted(movements, key=lambda movement: movement.occurred_at):
            for store_id in stores_of(movement):
                batches.setdefault((store_id, movement.product_id), []).append(movement)
        if not batches:
            return 0
        new: dict[Pair, list[str]] = {}

        def change(pair: Pair, state: StockState) -> StockState:
            new[pair] = []
            for movement in batches[pair]:
                after = fold(state, movement, pair[0])
                if after is not state:
                    new[pair].append(movement.movement_id)
                state = after
            return state

        newest = max(movement.occurred_at for movement in movements)
        await self._change({pair: partial(change, pair) for pair in batches}, now=newest)
        return len({movement_id for ids in new.values() for movement_id in ids})

    async def seed(self, counts: Iterable[Count]) -> int:
        """Loads counts in bulk; what is newer at source stands; returns how many positions changed."""
        remaining = iter(sorted(counts, key=lambda count: count.store_id))
        changed = 0
        while chunk := list(islice(remaining, CHUNK)):
            changes = {
                (count.store_id, count.product_id): partial(_counted, count)
                for count in sorted(chunk, key=lambda count: count.counted_at)
            }
            changed += len(await self._update(changes, now=chunk[-1].counted_at))
        return changed

    async def position(self, store_id: str, product_id: str, *, now: int) -> StockPosition | None:
        """The position at source, or None if the pair was never heard of."""
        return (await self.positions([(store_id, product_id)], now=now))[0]

    async def positions(self, pairs: Sequence[Pair], *, now: int) -> list[StockPosition | None]:
        """Positions at source, in one round trip."""
        return [
            available.position(state, *pair, now=now, freshness=self._freshness) if state.version else None
            for pair, state in zip(pairs, await self._read(pairs), strict=True)
        ]

    async def screen(self, store_id: str, product_ids: Sequence[str], *, now: int) -> list[int]:
        """Units available per product from the mirror, one round trip; 0 where unknown or stale."""
        return [units or 0 for units in await self.screen_known(store_id, product_ids, now=now)]

    async def screen_known(self, store_id: str, product_ids: Sequence[str], *, now: int) -> list[int | None]:
        """As `screen`, with None where the position is stale or was never heard of."""
        if not product_ids:
            return []
        return [
            None if summary is None or now - summary.as_of > self._freshness else summary.at(now, self._freshness)
            for summary in await self._summaries(store_id, product_ids)
        ]

    async def reserve(
        self, store_id: str, product_id: str, reservation_id: str, *, quantity: int, ttl_seconds: int, now: int
    ) -> ReserveOutcome:
        """Takes units out of `available`; of two that race for the last one exactly one gets it."""
        return await self._decide(
            (store_id, product_id),
            lambda state: available.reserve(
                state, reservation_id,
                quantity=quantity, ttl=ttl_seconds * 1_000_000, now=now, freshness=self._freshness,
            ),
            now=now,
        )  # fmt: skip

    async def release(self, store_id: str, product_id: str, reservation_id: str, *, now: int) -> bool:
        """Gives a reservation back; False if there was none running."""
        return await self._decide(
            (store_id, product_id), lambda state: available.release(state, reservation_id, now=now), now=now
        )

    async def commit(
        self,
        order_id: str,
        store_id: str,
        quantities: dict[str, int],
        *,
        now: int,
        placed_at: int | None = None,
        reservation_ids: Sequence[str] = (),
    ) -> None:
        """Turns the order's reservations (those named, and one named as the order) into commitments, once."""

        def change(quantity: int, state: StockState) -> StockState:
            return available.commit(
                state, order_id, quantity, reservation_ids=reservation_ids, now=now, placed_at=placed_at
            )

        await self._change(
            {(store_id, product_id): partial(change, quantity) for product_id, quantity in quantities.items()}, now=now
        )

    async def _decide(self, pair: Pair, decide: Callable[[StockState], tuple[StockState, T]], *, now: int) -> T:
        """Changes one position and gives the answer that belongs to the state that was set."""
        answers: list[T] = []

        def change(state: StockState) -> StockState:
            after, answer = decide(state)
            answers.append(answer)
            return after

        await self._change({pair: change}, now=now)
        return answers[-1]

    async def _change(self, changes: Mapping[Pair, Change], *, now: int) -> None:
        changed = await self._update(changes, now=now)
        if changed and self._listener is not None:
            await self._listener(
                [
                    available.position(state, *pair, now=now, freshness=self._freshness)
                    for pair, state in changed.items()
                ]
            )


def _counted(count: Count, state: StockState) -> StockState:
    return with_bulk_count(state, count)
