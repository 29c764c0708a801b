"""Replay: fragments rebuilt aside from the archive, brought up to date, and swapped in one by one.

Nothing that an event caused is done again: the rebuilt state takes the place of the live one, whose effects stay as
they are. Whatever stops a replay leaves each fragment either as it was or rebuilt.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice

import msgspec

from rtp.profile.fragment import Fragment, FragmentState, decode_state, encode_state
from rtp.profile.rebuild import caught_up, missing, same_history, since_expiry
from rtp.profile.replay import replay
from rtp.profile.store import FragmentStore
from rtp.stores.fragments_aside import AsideFragments, Swap
from rtp.stores.replay_source import ReplaySource

AT_ONCE = 200
"""Partition keys, or fragments, on their way together."""
TRIES = 10
PAUSE_SECONDS = 0.2

Projecting = Callable[[Sequence[str]], Awaitable[None]]


class Window(msgspec.Struct, frozen=True):
    """Which fragments: those with an event received in [since, until) (microseconds), in these partitions."""

    partitions: tuple[int, ...]
    since: int | None = None
    until: int | None = None


class Rebuilt(msgspec.Struct, kw_only=True, rename="camel"):
    """What a replay came to, in fragments."""

    dry_run: bool
    events: int = 0
    """Archived entries folded."""
    fragments: int = 0
    """Rebuilt."""
    same: int = 0
    """Already had these very bytes."""
    changed: int = 0
    """Swapped in; of a dry run, those that would be."""
    gone: int = 0
    """Expired or erased: a replay brings nobody back."""
    busy: int = 0
    """Kept being changed, or have effects to be carried out first: left as they were."""
    differing: int = 0
    """Have folded other entries than the archive holds: left as they were."""
    customers: int = 0
    """Whose live features were projected anew."""

    @property
    def complete(self) -> bool:
        """True if no fragment was left as it was that ought to be rebuilt."""
        return not (self.busy or self.differing)


class Rebuilder:
    """Replays windows of the archive into the live fragments."""

    def __init__(
        self,
        source: ReplaySource,
        fragments: FragmentStore,
        aside: AsideFragments,
        project: Projecting,
        *,
        anonymous_ttl_days: float,
    ) -> None:
        self._source = source
        self._fragments = fragments
        self._aside = aside
        self._project = project
        self._ttl_ms = int(anonymous_ttl_days * 86_400_000)

    async def run(
        self, window: Window, *, dry_run: bool = False, progress: Callable[[int], None] | None = None
    ) -> Rebuilt:
        """Rebuilds all fragments aside, then swaps in those that differ. Raises Retryable; repeating it is safe.

        `progress` is told how many fragments have been rebuilt, and compared, since it was last told.
        """
        result, tell = Rebuilt(dry_run=dry_run), progress or (lambda _: None)
        rebuilt = []
        with self._source.alone():
            for partition in window.partitions:
                rebuilt += await self._rebuild(partition, window, result, tell)
            for start in range(0, len(rebuilt), AT_ONCE):
                await self._swap_in(rebuilt[start : start + AT_ONCE], result)
                tell(len(rebuilt[start : start + AT_ONCE]))
        return result

    async def _rebuild(
        self, partition: int, window: Window, result: Rebuilt, tell: Callable[[int], None]
    ) -> list[tuple[int, str]]:
        """Stores the fragments of one partition aside; returns (partition, fragment id)."""
        keys = self._source.keys_of(partition, since=window.since, until=window.until)
        found: list[tuple[int, str]] = []
        while some := list(islice(keys, AT_ONCE)):
            expiring = await self._aside.expiring(
                sorted({row.fragment for rows in some for row in rows if row.fragment})
            )
            states: dict[str, FragmentState] = {}
            for rows in some:
                result.events += len(rows)
                states |= replay(since_expiry(rows, expiring, self._ttl_ms))
            await self._aside.keep(states)
            found += [(partition, fragment) for fragment in states]
            result.fragments += len(states)
            tell(len(states))
        return found

    async def _swap_in(self, rebuilt: Sequence[tuple[int, str]], result: Rebuilt) -> None:
        """Compares with the live fragments, and again where one was changed in between."""
        remaining, outcomes, owners = list(rebuilt), Counter[str](), set[str]()
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(PAUSE_SECONDS)
            found = await self._compare(remaining, dry_run=result.dry_run, owners=owners)
            outcomes.update(each for each in found.values() if each != "busy")
            remaining = [each for each in remaining if found[each[1]] == "busy"]
            if not remaining:
                break
        await self._project(sorted(owners))
        await self._aside.drop([fragment for _, fragment in rebuilt])
        for name, count in (outcomes + Counter(busy=len(remaining))).items():
            setattr(result, name, getattr(result, name) + count)
        result.customers += len(owners)

    async def _compare(self, rebuilt: Sequence[tuple[int, str]], *, dry_run: bool, owners: set[str]) -> dict[str, str]:
        """Fragment id to "same", "changed", "gone", "busy" or "differing"; swaps unless told not to."""
        names = [fragment for _, fragment in rebuilt]
        live = dict(zip(names, await self._fragments.load(names), strict=True))
        kept = dict(zip(names, await self._aside.read(names), strict=True))
        states = {name: decode_state(state) for name, state in kept.items() if state and live[name].version}
        states = await self._catch_up(dict(map(reversed, rebuilt)), states, live)  # type: ignore[arg-type]
        outcomes = {name: _outcome(live[name], states.get(name)) for name in names}
        changed = [name for name in names if outcomes[name] == "changed"]
        if changed and not dry_run:
            done = await self._aside.swap([Swap(name, live[name], states[name]) for name in changed])
            outcomes |= {name: "changed" if swapped else "busy" for name, swapped in zip(changed, done, strict=True)}
            owners |= {live[name].owner for name in changed if outcomes[name] == "changed" and live[name].owner}
        return outcomes

    async def _catch_up(
        self, partitions: Mapping[str, int], states: Mapping[str, FragmentState], live: Mapping[str, Fragment]
    ) -> dict[str, FragmentState]:
        """The rebuilt states with what the live ones have folded since the archive was read."""
        owed = {
            name: [(partitions[name], f"{milliseconds}-{sequence}") for milliseconds, sequence in found]
            for name, state in states.items()
            if (found := missing(state, live[name].state))
        }
        places = [place for found in owed.values() for place in found]
        entries = await self._source.entries_at(places) if places else {}
        return {
            name: caught_up(state, [entries[place] for place in owed.get(name, ()) if place in entries])
            for name, state in states.items()
        }


def _outcome(live: Fragment, rebuilt: FragmentState | None) -> str:
    if not live.version:
        return "gone"
    if rebuilt is None or live.pending:
        return "busy"
    if not same_history(rebuilt, live.state):
        return "busy" if missing(rebuilt, live.state) else "differing"
    return "same" if encode_state(rebuilt) == encode_state(live.state) else "changed"
