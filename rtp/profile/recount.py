"""Live state counted once more out of the archive, and held against what is served: they are the same, or something is
wrong with one of them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec

from rtp.features.live import AS_OF, LIVE, LiveFeatures, combine, project
from rtp.features.online import OnlineStore
from rtp.features.types import FeatureType
from rtp.features.values import FeatureRow, FeatureValue
from rtp.features.views import CUSTOMER_LIVE
from rtp.identity.graph import IdentityGraph
from rtp.identity.keys import partition_of
from rtp.profile.fragment import START, Fragment, FragmentState, Position, encode_state
from rtp.profile.rebuild import since_expiry
from rtp.profile.replay import Archived, replay
from rtp.profile.store import FragmentStore

ATTEMPTS = 3
"""A customer who is shopping just now may differ for a moment: what is wrong stays wrong."""
PAUSE_SECONDS = 1.0
SECOND = 1_000_000
DAY_MS = 86_400_000

ArchivedOf = Callable[[Sequence[str]], Iterable[Archived]]
"""Archived rows of some partition keys, in log order."""
Sleep = Callable[[float], Awaitable[None]]


class Recount(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison came to. Holds no identifier."""

    customers: int = 0
    fragments: int = 0
    """Fragments that were folded again and compared byte for byte."""
    waiting: int = 0
    """Fragments of which the archive does not hold everything yet: they could not be compared."""
    differing: int = 0
    """Customers whose state or row is not what the archive gives."""
    differences: Mapping[str, int] = {}
    """What differs, by name of the feature or part of the state, and of how many customers."""

    @property
    def passed(self) -> bool:
        """Whether nothing differs."""
        return not self.differing


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared with what."""

    graph: IdentityGraph
    fragments: FragmentStore
    online: OnlineStore
    archived: ArchivedOf
    newest: Mapping[int, Position]
    """How far the archive reaches in each partition of the log."""
    partitions: int
    anonymous_ttl_days: int
    """Fragments of anonymous shoppers are dropped after so long without an event."""
    sleep: Sleep = asyncio.sleep


class _Customer(msgspec.Struct, frozen=True):
    """One customer as stored at one moment."""

    fragments: dict[str, Fragment]
    row: FeatureRow


class _Found(msgspec.Struct, frozen=True):
    compared: int
    waiting: int
    differences: frozenset[str]


async def recount(sources: Sources, customer_ids: Sequence[str]) -> Recount:
    """Replays the archive up to the watermarks of these customers' fragments and compares states and served rows.

    Raises Retryable where the stores do not answer.
    """
    found: dict[str, _Found] = {}
    again = list(dict.fromkeys(customer_ids))
    for attempt in range(ATTEMPTS):
        if attempt:
            await sources.sleep(PAUSE_SECONDS)
        found |= await _compared(sources, again)
        again = [customer for customer in again if customer in found and found[customer].differences]
        if not again:
            break
    counted = Counter(name for each in found.values() for name in each.differences)
    return Recount(
        customers=len(found),
        fragments=sum(each.compared for each in found.values()),
        waiting=sum(each.waiting for each in found.values()),
        differing=sum(1 for each in found.values() if each.differences),
        differences=dict(counted.most_common()),
    )


async def _compared(sources: Sources, customer_ids: Sequence[str]) -> dict[str, _Found]:
    stored = await _stored(sources, customer_ids)
    until = {
        name: fragment.state.watermark
        for each in stored.values()
        for name, fragment in each.fragments.items()
        if fragment.state.watermark != START
    }
    keys = sorted({name.partition(".")[0] for name in until})
    replayed = await asyncio.to_thread(_replayed, sources, keys, until, stored)
    return {customer: _held_against(sources, each, replayed) for customer, each in stored.items()}


def _replayed(
    sources: Sources, keys: Sequence[str], until: Mapping[str, Position], stored: Mapping[str, _Customer]
) -> dict[str, FragmentState]:
    """What the archive gives; of a fragment that expired and came back, what it gives since then."""
    rows = list(sources.archived(keys))
    whole = replay(rows, until=until)
    held = {name: each.state for customer in stored.values() for name, each in customer.fragments.items()}
    differing = {name: until[name] for name, state in whole.items() if encode_state(state) != encode_state(held[name])}
    if not differing:
        return whole
    # What carries a user id never expires.
    expiring = {row.fragment for row in rows if row.entry.event.user_id is None}
    since = replay(since_expiry(rows, expiring, sources.anonymous_ttl_days * DAY_MS), until=differing)
    return whole | {name: state for name, state in since.items() if encode_state(state) == encode_state(held[name])}


async def _stored(sources: Sources, customer_ids: Sequence[str]) -> dict[str, _Customer]:
    customers = [each for each in await sources.graph.customers(customer_ids) if each is not None]
    loaded = iter(await sources.fragments.load([name for each in customers for name in each.fragments]))
    fragments = [{name: next(loaded) for name in each.fragments} for each in customers]
    entities = [{"customer_id": each.customer_id} for each in customers]
    view = CUSTOMER_LIVE.name
    rows = await sources.online.read(entities, [f"{view}:{name}" for name in CUSTOMER_LIVE.feature_names])
    return {
        each.customer_id: _Customer(held, {name.removeprefix(f"{view}:"): value for name, value in row.items()})
        for each, held, row in zip(customers, fragments, rows, strict=True)
    }


def _held_against(sources: Sources, customer: _Customer, replayed: Mapping[str, FragmentState]) -> _Found:
    states = {name: each.state for name, each in customer.fragments.items() if each.state.watermark != START}
    waiting = [name for name, state in states.items() if not _is_archived(sources, name, state.watermark)]
    differences: set[str] = set()
    for name in states.keys() - set(waiting):
        differences |= state_differences(states[name], replayed.get(name, FragmentState()))
    if not waiting and states:
        live = [replayed.get(name, FragmentState()).live for name in states]
        differences |= row_differences(customer.row, combine(live))
    return _Found(len(states) - len(waiting), len(waiting), frozenset(differences))


def _is_archived(sources: Sources, fragment: str, watermark: Position) -> bool:
    return sources.newest.get(partition_of(fragment, sources.partitions), START) >= watermark


def state_differences(stored: FragmentState, replayed: FragmentState, features: LiveFeatures = LIVE) -> set[str]:
    """Names of what differs in two states of a fragment; empty exactly if their bytes are the same."""
    if encode_state(stored) == encode_state(replayed):
        return set()
    parts = stored.live.keys() | replayed.live.keys()
    differing = {part for part in parts if stored.live.get(part) != replayed.live.get(part)}
    names = {name for part in differing for name in features.read_from(part) or [part]}
    fields = [field for field in FragmentState.__struct_fields__ if field != "live"]
    return names | {f"fragment {field}" for field in fields if getattr(stored, field) != getattr(replayed, field)}


def row_differences(row: FeatureRow, live: dict[str, object]) -> set[str]:
    """Names of the served features that are not what the state gives at the row's own moment."""
    as_of = row.get(AS_OF)
    if not isinstance(as_of, int):
        return {f"{CUSTOMER_LIVE.name} (no row)"}
    expected = project(live, as_of)
    return {
        f"{CUSTOMER_LIVE.name}:{feature.name}"
        for feature in CUSTOMER_LIVE.features
        if row.get(feature.name) != as_served(feature.type, expected[feature.name])
    }


def as_served(kind: FeatureType, value: FeatureValue) -> FeatureValue:
    """A value as it comes back from the online store, which keeps times in whole seconds."""
    return value // SECOND * SECOND if kind is FeatureType.TIME and isinstance(value, int) else value
