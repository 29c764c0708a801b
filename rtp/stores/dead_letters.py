"""Rejected events that still need care: those in their stream and those in the lake, without the settled ones."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis

from rtp.clock import to_micros
from rtp.signals.rejection import Rejection, Settlement, type_of
from rtp.stores.lake import Lake
from rtp.stores.lake_queries import read_archive
from rtp.stores.outage import outage_is_retryable
from rtp.stores.record_stream import RecordStream, record_stream_key

PAGE = 1_000
MOST_LISTED = 100_000

_KEPT = """
SELECT * FROM {rejected}
WHERE rejection_id IS NOT NULL
  AND rejection_id NOT IN (SELECT rejection_id FROM {settlements} WHERE rejection_id IS NOT NULL)
  AND rejection_id NOT IN (SELECT unnest($settled::VARCHAR[]))
  AND ($reason IS NULL OR reason = $reason)
  AND ($ids IS NULL OR rejection_id IN (SELECT unnest($ids::VARCHAR[])))
QUALIFY row_number() OVER (PARTITION BY rejection_id ORDER BY received_at) = 1
"""
_SUMMARY = f"""
SELECT rejection_id, reason, message, field, source, type, size_bytes, received_at
FROM ({_KEPT}) ORDER BY received_at DESC, rejection_id LIMIT $limit
"""
_COUNTS = f"SELECT reason, source, count(*), min(received_at), max(received_at) FROM ({_KEPT}) GROUP BY ALL"
_WHOLE = f"SELECT reason, message, field, body, source, received_at, call, sent_at, context, gpc, key FROM ({_KEPT})"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What may be said of a rejected event in public: nothing that was sent."""

    id: str
    reason: str
    message: str
    field: str
    source: str
    type: str
    size_bytes: int
    received_at: int
    """Microseconds since 1970 UTC."""


class ReasonCount(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How many rejected events of one source have one reason."""

    reason: str
    source: str
    count: int
    first_at: int
    last_at: int


class DeadLetters:
    """What is listed, found and settled.

    The stream is read before the lake: what the archiver moves meanwhile is seen twice, told by its id, never missed.
    """

    def __init__(self, client: Redis, lake: Lake) -> None:
        self._client = client
        self._lake = lake
        self._settlements = RecordStream(client, "settlements")

    async def counts(self) -> list[ReasonCount]:
        """By reason and source, most frequent first. Raises Retryable."""
        live, settled = await self._live()
        rows = await self._archived(_COUNTS, settled=[*settled, *live])
        counted = [
            ReasonCount(
                reason=row[0], source=row[1], count=row[2], first_at=to_micros(row[3]), last_at=to_micros(row[4])
            )
            for row in rows
        ]
        return _added([*counted, *map(_one, live.values())])

    async def waiting(self, *, reason: str | None = None, limit: int = MOST_LISTED) -> list[DeadLetter]:
        """Newest first. Raises Retryable."""
        live, settled = await self._live()
        found = {each: described(rejection) for each, rejection in live.items() if reason in {None, rejection.reason}}
        for row in await self._archived(_SUMMARY, settled=settled, reason=reason, limit=limit):
            found.setdefault(row[0], _dead_letter(row))
        return sorted(found.values(), key=lambda each: (-each.received_at, each.id))[:limit]

    async def find(self, ids: Sequence[str]) -> list[Rejection]:
        """Those of these that are not settled, bodies included, in the order of `ids`. Raises Retryable."""
        live, settled = await self._live()
        found = {each: live[each] for each in ids if each in live}
        archived = [each for each in ids if each not in found]
        if archived:
            rows = await self._archived(_WHOLE, settled=settled, ids=archived)
            found |= {each.rejection_id: each for each in map(_rejection, rows)}
        return [found[each] for each in dict.fromkeys(ids) if each in found]

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Notes that these need no more care, durably. Raises Retryable."""
        await self._settlements.append(settlements)

    async def _live(self) -> tuple[dict[str, Rejection], list[str]]:
        """What is not archived yet and not settled, by id; and the ids settled lately."""
        rejections = [msgspec.json.decode(each, type=Rejection) for each in await self._stream("rejected")]
        settled = [msgspec.json.decode(each, type=Settlement) for each in await self._stream("settlements")]
        done = {each.rejection_id for each in settled}
        live = {each.rejection_id: each for each in rejections if each.rejection_id not in done}
        if live:
            # Settled and archived as such, while the rejection itself was still in its stream.
            rows = await asyncio.to_thread(self._settled_in_lake, list(live))
            live = {each: rejection for each, rejection in live.items() if each not in rows}
            done |= rows
        return live, sorted(done)

    async def _stream(self, name: str) -> list[bytes]:
        records: list[bytes] = []
        after = "-"
        while True:
            with outage_is_retryable("reading rejected events"):
                found = await self._client.xrange(record_stream_key(name), after, count=PAGE)
            records += [fields[b"d"] for _, fields in found]
            if len(found) < PAGE:
                return records
            after = f"({found[-1][0].decode()}"

    def _settled_in_lake(self, ids: list[str]) -> set[str]:
        query = "SELECT rejection_id FROM {settlements} WHERE rejection_id IN (SELECT unnest($ids))"
        return {row[0] for row in read_archive(self._lake, query, ["settlements"], {"ids": ids})}

    async def _archived(
        self, query: str, *, settled: Iterable[str], reason: str | None = None, ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[tuple[Any, ...]]:  # fmt: skip
        values: dict[str, Any] = {"settled": list(settled), "reason": reason, "ids": ids and list(ids)}
        if limit is not None:
            values["limit"] = limit
        return await asyncio.to_thread(read_archive, self._lake, query, ["rejected", "settlements"], values)


def described(rejection: Rejection) -> DeadLetter:
    """A rejected event without what was sent."""
    return DeadLetter(
        id=rejection.rejection_id,
        reason=rejection.reason,
        message=rejection.message,
        field=rejection.field,
        source=rejection.source,
        type=type_of(rejection),
        size_bytes=len(rejection.body),
        received_at=rejection.received_at,
    )


def _dead_letter(row: tuple[Any, ...]) -> DeadLetter:
    names = ("id", "reason", "message", "field", "source", "type", "size_bytes", "received_at")
    return DeadLetter(**(dict(zip(names, row, strict=True)) | {"received_at": to_micros(row[7])}))


def _rejection(row: tuple[Any, ...]) -> Rejection:
    return Rejection(
        reason=row[0], message=row[1], field=row[2] or "", body=bytes(row[3] or b""), source=row[4],
        received_at=to_micros(row[5]), call=row[6] or "", sent_at=to_micros(row[7]) if row[7] else None,
        context=msgspec.json.decode(row[8] or "{}"), gpc=bool(row[9]), key=row[10] or "",
    )  # fmt: skip


def _one(rejection: Rejection) -> ReasonCount:
    at = rejection.received_at
    return ReasonCount(reason=rejection.reason, source=rejection.source, count=1, first_at=at, last_at=at)


def _added(counts: Sequence[ReasonCount]) -> list[ReasonCount]:
    total = Counter[tuple[str, str]]()
    first: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], int] = {}
    for each in counts:
        place = (each.reason, each.source)
        total[place] += each.count
        first[place] = min(first.get(place, each.first_at), each.first_at)
        last[place] = max(last.get(place, each.last_at), each.last_at)
    return [
        ReasonCount(reason=place[0], source=place[1], count=count, first_at=first[place], last_at=last[place])
        for place, count in total.most_common()
    ]
