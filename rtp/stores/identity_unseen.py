"""The quick way for shoppers nobody has heard of: many in three round trips."""

from collections.abc import Sequence

from redis.asyncio import Redis

from rtp.identity.graph import Link, Linked
from rtp.identity.identifiers import STRENGTH
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Customer, Identifier
from rtp.stores.identity_keys import customer_key, identifier_field, identifier_key
from rtp.stores.identity_records import encode
from rtp.stores.identity_scripts import ATTACH, POINT


async def link_unseen(
    client: Redis, keys: KeyedHash, links: Sequence[Link], indexes: Sequence[int]
) -> dict[int, Linked]:
    """Links what has no owner yet; leaves out what must go the slow way, because the rules have a say in it."""
    alone = _simple(links, indexes)
    owners = {index: keys.customer_id(links[index].identifiers[0]) for index in alone}
    names = [([customer_key(owners[index])], [STRENGTH[links[index].identifiers[0].type]]) for index in alone]
    made = await ATTACH.call_many(client, names)
    alone = [index for index, answer in zip(alone, made, strict=True) if answer == 1]
    calls = [
        ([identifier_key(keys.partition_key(each))], ["", owners[index]])
        for index in alone
        for each in links[index].identifiers
    ]
    answers = iter(await POINT.call_many(client, calls))
    alone = [index for index in alone if 0 not in [next(answers) for _ in links[index].identifiers]]
    attached = await ATTACH.call_many(client, [_attach_call(owners[index], links[index]) for index in alone])
    return {
        index: Linked(_fresh(owners[index], links[index]))
        for index, answer in zip(alone, attached, strict=True)
        if answer == 0
    }


def _simple(links: Sequence[Link], indexes: Sequence[int]) -> list[int]:
    """Those that share no identifier with one before them, and have no two of a kind."""
    taken: set[Identifier] = set()
    alone = []
    for index in indexes:
        identifiers = links[index].identifiers
        if taken.isdisjoint(identifiers) and len({each.type for each in identifiers}) == len(identifiers):
            alone.append(index)
        taken.update(identifiers)
    return alone


def _attach_call(customer_id: str, link: Link) -> tuple[list[str], list[bytes | str | int]]:
    proof = encode(link.evidence)
    arguments: list[bytes | str | int] = [STRENGTH[link.identifiers[0].type]]
    if link.partition_key:
        arguments += (f"f:{link.partition_key}", proof, f"f:{link.partition_key}")
    for each in link.identifiers:
        arguments += (identifier_field(each), proof, identifier_field(each))
    return [customer_key(customer_id)], arguments


def _fresh(customer_id: str, link: Link) -> Customer:
    """The customer that has just been made of a link."""
    fragments = (link.partition_key,) if link.partition_key else ()
    identifiers = tuple(sorted(link.identifiers, key=lambda each: f"{each.type}:{each.value}"))
    return Customer(customer_id=customer_id, fragments=fragments, identifiers=identifiers, version=2)
