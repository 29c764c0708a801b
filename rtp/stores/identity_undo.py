"""Undoing a merge: what is to be taken back is decided once and written down, then carried out step by step.

Each step is on one key and may be repeated, so that a crash between two of them is repaired by doing it again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
from redis.asyncio import Redis

from rtp.errors import NotFound, Rejected, Retryable
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Evidence, Merge
from rtp.stores.identity_keys import APART, UNDOING, customer_key, identifier_key, merge_key
from rtp.stores.identity_merge import ATTEMPTS, IdentityMerge
from rtp.stores.identity_records import Change, Record, encode
from rtp.stores.identity_scripts import FREE, POINT, RELEASE
from rtp.stores.identity_taking import Taking, detach, fragments_of, take_back
from rtp.stores.outage import answer_of

HELD_MS = 15_000
"""Nothing is merged for so long after a process died while undoing."""
GRACE_SECONDS = 0.25
"""What was being merged when undoing began is through by then."""


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
        if not await answer_of(self._client.hexists(merge_key(merge_id), "l")):
            raise NotFound(
                "There is no merge of this id.", reason="UNKNOWN_MERGE", field="merge_id",
                hint="`rtp identity show TYPE:VALUE` lists a shopper's merges.",
            )  # fmt: skip
        async with self._alone(merge_id):
            journal = await answer_of(self._client.hgetall(merge_key(merge_id)))
            undo = await self._begin(merge_id, journal, evidence)
            if b"done" not in journal:
                await self._set_apart(undo)
                await self._give_back(undo)
                await self._take_away(undo)
                await answer_of(self._client.hset(merge_key(merge_id), "done", "1"))
        return undo.merge

    @asynccontextmanager
    async def _alone(self, merge_id: str) -> AsyncIterator[None]:
        """Keeps others from merging and undoing; whoever dies meanwhile can go on, and holds nobody up for long."""
        for _ in range(ATTEMPTS):
            held = await answer_of(self._client.set(UNDOING, merge_id, nx=True, px=HELD_MS))
            if held or await answer_of(self._client.get(UNDOING)) == merge_id.encode():
                break
            await asyncio.sleep(GRACE_SECONDS)
        else:
            raise Retryable("Another merge is being undone.", hint="Try again.")
        try:
            await asyncio.sleep(GRACE_SECONDS)
            yield
        finally:
            await RELEASE.call(self._client, [UNDOING], [merge_id])

    async def _begin(self, merge_id: str, journal: dict[bytes, bytes], evidence: Evidence) -> _Undo:
        """Decides what is to be taken back, unless that has been decided before."""
        if b"undo" not in journal:
            chain = await self._merge.chain(journal[b"l"].decode())
            loser = chain[0]
            by = loser.fields.get(b"by")
            merge = msgspec.json.decode(by, type=Merge) if by else None
            if merge is None or merge.merge_id != merge_id:
                raise Rejected(
                    "This merge is not in effect.", reason="NOT_IN_EFFECT", field="merge_id",
                    hint="The event that asked for it was outrun by another; look at the shopper again.",
                )  # fmt: skip
            taking = take_back(loser, chain[1:], self._keys)
            taking = msgspec.structs.replace(taking, holders=await self._holders(taking))
            decided = encode(_Undo(msgspec.structs.replace(merge, undone=evidence), taking))
            await answer_of(self._client.hsetnx(merge_key(merge_id), "undo", decided.decode()))
        stored = await answer_of(self._client.hget(merge_key(merge_id), "undo"))
        return msgspec.json.decode(stored, type=_Undo)

    async def _holders(self, taking: Taking) -> tuple[str, ...]:
        """Customers below the survivor who had such an identifier: theirs it is no more, should they come free."""
        joined = [each for each in taking.identifiers if f"i:{each.type}:{each.value}" in taking.joins]
        owners = {pointer.owner for pointer in (await self._merge.pointers(joined)).values() if pointer.owner}
        return tuple(sorted(owners - set(taking.chain)))

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
        current = (await self._merge.chain(merge.survivor))[-1].customer_id
        calls = []
        for each, pointer in (await self._merge.pointers(undo.taking.identifiers)).items():
            chain = [record.customer_id for record in await self._merge.chain(pointer.owner)] if pointer.owner else []
            if current in chain and merge.loser not in chain:
                calls.append(([identifier_key(self._keys.partition_key(each))], [pointer.owner, merge.loser]))
        await POINT.call_many(self._client, calls)
        await FREE.call(self._client, [customer_key(merge.loser)], [merge.survivor])

    async def _take_away(self, undo: _Undo) -> None:
        """From the survivor, from whoever that had gone into when this was decided, and has since."""
        for holder in undo.taking.holders:
            await self._detach(undo, holder, "", {each for each in undo.taking.joins if each.startswith("i:")})
        leaves, below = set(undo.taking.leaves), ""
        names = list(undo.taking.chain)
        while names:
            customer_id = names.pop(0)
            await self._bring_late(undo, customer_id)
            leaves = await self._detach(undo, customer_id, below, leaves)
            into = (await self._merge.read(customer_id)).into
            if not names and into is not None:
                names.append(into)
            below = customer_id

    async def _bring_late(self, undo: _Undo, customer_id: str) -> None:
        """Fragments attached to the wrong one while this went on, by whoever had looked before."""
        loser = await self._merge.read(undo.merge.loser)
        late = {
            field.encode(): value.encode()
            for field, value in fragments_of(await self._merge.read(customer_id), self._keys_of(undo)).items()
            if field.encode() not in loser.fields
        }
        for name in {undo.merge.loser, (await self._merge.chain(undo.merge.loser))[-1].customer_id} if late else ():
            await self._change(name, lambda _: Change(late))

    async def _detach(self, undo: _Undo, customer_id: str, below: str, leaves: set[str]) -> set[str]:
        """Takes it from one customer; gives what was taken, which is to be taken from the next one."""
        taken: set[str] = set()

        def change(record: Record) -> Change:
            absorbed = record.absorbed.get(below)
            late = fragments_of(record, self._keys_of(undo))
            wanted = {*leaves, *late} - set(absorbed.kept if absorbed else ())
            found, fields = detach(record, undo.merge.loser, wanted, undo.merge.merge_id)
            taken.clear()
            taken.update(fields)
            return found

        await self._change(customer_id, change)
        return taken

    def _keys_of(self, undo: _Undo) -> set[str]:
        return {self._keys.partition_key(each) for each in undo.taking.identifiers}

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
