"""Loading what the batch build knows into the live graph, hundreds of customers in a few round trips."""

from collections.abc import Sequence

from redis.asyncio import Redis

from rtp.identity.graph import Link
from rtp.identity.identifiers import STRENGTH, strongest_first
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Evidence, Identifier
from rtp.stores.identity_keys import customer_key, identifier_field, identifier_key
from rtp.stores.identity_merge import IdentityMerge
from rtp.stores.identity_records import encode
from rtp.stores.identity_scripts import ATTACH, POINT

CHUNK = 500

Row = tuple[str, Sequence[Identifier]]
"""A customer id and its identifiers."""


async def seed(client: Redis, keys: KeyedHash, merge: IdentityMerge, rows: Sequence[Row], evidence: Evidence) -> int:
    """How many customers are new. What is linked otherwise already, or was taken apart, goes by the rules."""
    made, known = 0, [row for row in rows if row[1]]
    for start in range(0, len(known), CHUNK):
        clear, contested = await _sorted_out(client, keys, known[start : start + CHUNK])
        answers = await ATTACH.call_many(client, [_attach_call(row, evidence) for row in clear])
        made += sum(answer == 1 for answer in answers)
        contested += [row for row, answer in zip(clear, answers, strict=True) if answer < 0]
        taken = [row for row, answer in zip(clear, answers, strict=True) if answer >= 0]
        calls = [([_key(keys, each)], ["", customer_id]) for customer_id, ids in taken for each in ids]
        await POINT.call_many(client, calls)
        for _, identifiers in contested:
            await merge.link(Link("", strongest_first(identifiers), evidence))
    return made


async def _sorted_out(client: Redis, keys: KeyedHash, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Rows whose identifiers are nobody else's, and the others."""
    pipeline = client.pipeline(transaction=False)
    for _, identifiers in rows:
        for each in identifiers:
            pipeline.hget(_key(keys, each), "c")
    owners = iter(await pipeline.execute())
    clear: list[Row] = []
    contested: list[Row] = []
    for row in rows:
        found = {next(owners) for _ in row[1]} - {None, row[0].encode()}
        (contested if found else clear).append(row)
    return clear, contested


def _attach_call(row: Row, evidence: Evidence) -> tuple[list[str], list[bytes | str | int]]:
    customer_id, identifiers = row
    arguments: list[bytes | str | int] = [min(STRENGTH[each.type] for each in identifiers)]
    for each in identifiers:
        arguments += (identifier_field(each), encode(evidence), identifier_field(each))
    return [customer_key(customer_id)], arguments


def _key(keys: KeyedHash, identifier: Identifier) -> str:
    return identifier_key(keys.partition_key(identifier))
