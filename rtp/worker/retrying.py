"""Putting rejected events through again: read once more by the collector's rules, into the log, then settled."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from rtp.clock import Clock, to_micros
from rtp.errors import Rejected
from rtp.identity.intake import Accepted
from rtp.identity.keys import KeyedHash
from rtp.identity.normalize import Spelling
from rtp.identity.retrying import Mended, read_again
from rtp.profile.effects import EffectHandler, EffectKind
from rtp.signals.log import EventSink
from rtp.signals.rejection import Rejection, SettledBy, Settlement
from rtp.stores.dead_letters import DeadLetters
from rtp.stores.lake import Lake
from rtp.stores.lake_queries import read_archive
from rtp.worker.effects import FailedEffect

BATCH = 200
"""Rejected events put through and settled together."""

_COUNTED = """
SELECT DISTINCT message_id, partition_key FROM {events}
WHERE message_id IN (SELECT unnest($ids)) AND NOT coalesce(duplicate, false)
"""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A rejected event that is still none: it stays where it was."""

    id: str
    reason: str
    message: str
    field: str = ""


class Retried(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a retry came to."""

    put_through: int
    """Rejected events whose events or effects have been taken."""
    counted_before: int
    """Their events had counted already: the sender had sent them again."""
    refused: tuple[Refusal, ...]


class Retrier:
    """Takes mended events in. A crash in between leaves them listed; the next retry counts nothing twice."""

    def __init__(
        self,
        dead_letters: DeadLetters,
        log: EventSink,
        lake: Lake,
        *,
        keys: KeyedHash,
        spelling: Spelling,
        handlers: Mapping[EffectKind, EffectHandler],
        clock: Clock,
    ) -> None:
        self._dead_letters = dead_letters
        self._log = log
        self._lake = lake
        self._keys = keys
        self._spelling = spelling
        self._handlers = handlers
        self._clock = clock

    async def retry(self, mended: Sequence[Mended]) -> Retried:
        """Puts through what can be. Raises Retryable where the stores do not answer; some are then settled."""
        outcomes: list[SettledBy] = []
        refused: list[Refusal] = []
        for start in range(0, len(mended), BATCH):
            done, not_done = await self._batch(mended[start : start + BATCH])
            outcomes += done
            refused += not_done
        return Retried(
            put_through=outcomes.count("put_through"),
            counted_before=outcomes.count("counted_before"),
            refused=tuple(refused),
        )

    async def _batch(self, mended: Sequence[Mended]) -> tuple[list[SettledBy], list[Refusal]]:
        refused: list[Refusal] = []
        events: dict[str, list[Accepted]] = {}
        settled: dict[str, SettledBy] = {}
        now = to_micros(self._clock())
        for each in mended:
            name = each.rejection.rejection_id
            if each.rejection.call == "effect":
                why = await self._carry_out(each)
            else:
                read = read_again(each, self._keys, now=now, spelling=self._spelling)
                why = _why(name, read) if isinstance(read, Rejection) else None
                events[name] = [] if isinstance(read, Rejection) else read
            if why:
                refused.append(why)
            else:
                settled[name] = "put_through"
        settled |= await self._append({name: found for name, found in events.items() if name in settled})
        await self._dead_letters.settle(
            [Settlement(rejection_id=name, outcome=outcome, settled_at=now) for name, outcome in settled.items()]
        )
        return list(settled.values()), refused

    async def _append(self, events: Mapping[str, Sequence[Accepted]]) -> dict[str, SettledBy]:
        """Into the log, but for those that count already, also longer ago than the log itself would know."""
        ids = [each.event.message_id for found in events.values() for each in found]
        counted = await asyncio.to_thread(self._counted, ids) if ids else set()
        fresh = {
            name: [each for each in found if (each.event.message_id, each.partition_key) not in counted]
            for name, found in events.items()
        }
        items = [(each.partition_key, each.event) for found in fresh.values() for each in found]
        if items:
            await self._log.append(items)
        return {name: "put_through" if fresh[name] else "counted_before" for name in events}

    def _counted(self, message_ids: Sequence[str]) -> set[tuple[str, str]]:
        rows = read_archive(self._lake, _COUNTED, ["events"], {"ids": list(message_ids)})
        return {(row[0], row[1]) for row in rows}

    async def _carry_out(self, mended: Mended) -> Refusal | None:
        name = mended.rejection.rejection_id
        try:
            failed = msgspec.json.decode(mended.body, type=FailedEffect)
            await self._handlers[failed.effect.kind](failed.customer_id, [failed.effect])
        except (msgspec.DecodeError, KeyError) as error:
            return Refusal(id=name, reason="UNREADABLE", message=f"This is no effect that can be carried out: {error}.")
        except Rejected as error:
            return Refusal(id=name, reason="EFFECT_FAILED", message=error.message)
        return None


def _why(name: str, rejection: Rejection) -> Refusal:
    return Refusal(id=name, reason=rejection.reason, message=rejection.message, field=rejection.field)
