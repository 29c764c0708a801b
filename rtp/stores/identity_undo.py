"""Undoing a merge: what is to be taken back is decided once and written down, then carried out step by step.

Each step is on one key and may be repeated, so that a crash between two of them is repaired by doing it again.
"""

from collections.abc import Callable, Sequence

import msgspec
from redis.asyncio import Redis

from rtp.errors import NotFound, Rejected, Retryable
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Evidence, Merge
from rtp.stores.identity_keys import APART, customer_key, identifier_key, merge_key
from rtp.stores.identity_merge import ATTEMPTS, IdentityMerge
from rtp.stores.identity_records import Change, Record, Taking, detach, encode, take_back
from rtp.stores.identity_scripts import FREE, POINT
from rtp.stores.outage import answer_of


class _Undo(msgspec.Struct, frozen=True):
    merge: Merge
    taking: Taking


class IdentityUndo:
    """What takes a merge back."""

    def __init__(self, client: Redis, keys: KeyedHash, merge: IdentityMerge) -> None:
        self._client = client
        self._keys = keys
        self._merge = merge

    async def undo(self, merge_id: str, evidence: Evidence) -> Merge:
        """See IdentityGraph."""
        journal = await answer_of(self._client.hgetall(merge_key(merge_id)))
        if b"l" not in journal:
            raise NotFound(
                "There is no merge of this id.", reason="UNKNOWN_MERGE", field="merge_id",
                hint="`rtp identity show TYPE:VALUE` lists a shopper's merges.",
            )  # fmt: skip
        undo = await self._begin(merge_id, journal, evidence)
        if b"done" not in journal:
            await self._set_apart(undo)
            await self._give_back(undo)
            await self._take_away(undo)
            await answer_of(self._client.hset(merge_key(merge_id), "done", "1"))
        return undo.merge

    async def _begin(self, merge_id: str, journal: dict[bytes, bytes], evidence: Evidence) -> _Undo:
        """Decides what is to be taken back, unless that has been decided before."""
        if b"undo" not in journal:
            chain = await self._merge.chain(journal[b"l"].decode())
            loser, survivor = chain[0], chain[min(1, len(chain) - 1)]
            by = loser.fields.get(b"by")
            merge = msgspec.json.decode(by, type=Merge) if by else None
            if merge is None or merge.merge_id != merge_id:
                raise Rejected(
                    "This merge is not in effect.", reason="NOT_IN_EFFECT", field="merge_id",
                    hint="The event that asked for it was outrun by another; look at the shopper again.",
                )  # fmt: skip
            taking = take_back(survivor, chain[-1], loser, self._keys)
            decided = encode(_Undo(msgspec.structs.replace(merge, undone=evidence), taking))
            await answer_of(self._client.hsetnx(merge_key(merge_id), "undo", decided.decode()))
        stored = await answer_of(self._client.hget(merge_key(merge_id), "undo"))
        return msgspec.json.decode(stored, type=_Undo)

    async def _set_apart(self, undo: _Undo) -> None:
        """First of all, so that nobody merges again what is being taken apart."""
        merge, proof = undo.merge, encode(undo.merge)
        await answer_of(self._client.sadd(APART, f"{merge.loser} {merge.survivor}"))
        joins = {field.encode(): value.encode() for field, value in undo.taking.joins.items()}
        await self._change(merge.loser, lambda _: Change({b"x:" + merge.survivor.encode(): proof, **joins}))
        await self._change(merge.survivor, lambda _: Change({b"x:" + merge.loser.encode(): proof}))

    async def _give_back(self, undo: _Undo) -> None:
        """Identifiers first: until the customer is free they lead to the survivor all the same."""
        merge = undo.merge
        survivors = {record.customer_id for record in await self._merge.chain(merge.survivor)}
        pointers = await self._merge.pointers(undo.taking.identifiers)
        calls = [
            ([identifier_key(self._keys.partition_key(each))], [pointer.owner, merge.loser])
            for each, pointer in pointers.items()
            if pointer.owner in survivors
        ]
        await POINT.call_many(self._client, calls)
        await FREE.call(self._client, [customer_key(merge.loser)], [merge.survivor])

    async def _take_away(self, undo: _Undo) -> None:
        """From the survivor, and from whoever that has gone into since."""
        taking, customer_id, below = undo.taking, undo.merge.survivor, ""
        while True:
            taken: set[str] = set()

            def change(record: Record, taking: Taking = taking, below: str = below, taken: set[str] = taken) -> Change:
                absorbed = record.absorbed.get(below)
                kept = absorbed.kept if absorbed else ()
                found, fields = detach(record, undo.merge.loser, taking, undo.merge.merge_id, kept)
                taken.clear()
                taken.update(fields)
                return found

            await self._change(customer_id, change)
            into = (await self._merge.read(customer_id)).into
            if into is None:
                return
            taking = msgspec.structs.replace(taking, leaves=tuple(sorted(taken)))
            customer_id, below = into, customer_id

    async def _change(self, customer_id: str, of: Callable[[Record], Change]) -> None:
        for _ in range(ATTEMPTS):
            record = await self._merge.read(customer_id)
            change = of(record)
            settled = all(record.fields.get(field) == value for field, value in change.put.items())
            if settled and not any(field in record.fields for field in change.drop):
                return
            if await self._merge.write(record, change):
                return
        raise Retryable("A customer is being changed by too many others at once.", hint="Try again.")

    async def apart(self) -> list[tuple[str, str]]:
        """See IdentityGraph."""
        pairs: Sequence[bytes] = sorted(await answer_of(self._client.smembers(APART)))
        return [(loser, survivor) for loser, _, survivor in (pair.decode().partition(" ") for pair in pairs)]
