"""What undoing a merge takes from one customer and gives back to the other. Pure: no Redis here."""

from collections.abc import Collection, Container, Sequence

import msgspec

from rtp.identity.fragments import key_of
from rtp.identity.keys import KeyedHash
from rtp.identity.types import Identifier
from rtp.stores.identity_records import (
    CARRIED,
    Absorbed,
    Change,
    Record,
    encode,
    read_evidence,
    read_identifier,
)  # fmt: skip


class Taking(msgspec.Struct, frozen=True):
    """What undoing a merge takes from the survivor: decided once, carried out until it is done."""

    leaves: tuple[str, ...]
    """Fields that the survivor has only by this merge."""
    joins: dict[str, str]
    """Fields that the customer gets who comes free: what has been attached to their identifiers since."""
    identifiers: tuple[Identifier, ...]
    """Theirs again."""
    chain: tuple[str, ...]
    """The survivor, and whoever that had gone into."""
    holders: tuple[str, ...] = ()
    """Others who had what joins."""


def take_back(loser: Record, chain: Sequence[Record], keys: KeyedHash) -> Taking:
    """What undoing the merge of a customer takes; `chain` is the survivor, and whoever that has gone into."""
    survivor, current = chain[0], chain[-1]
    absorbed = survivor.absorbed.get(loser.customer_id)
    kept = set(absorbed.kept) if absorbed else set()
    own = [field.decode() for field in loser.fields if field.startswith(CARRIED)]
    joins = _joined_since(current, loser, keys)
    leaves = {f"a:{loser.customer_id}", *(field for field in own if field not in kept), *joins}
    theirs = [*loser.identifiers(), *(read_identifier(field[2:]) for field in joins if field.startswith("i:"))]
    return Taking(tuple(sorted(leaves)), joins, tuple(theirs), tuple(each.customer_id for each in chain))


def _joined_since(current: Record, loser: Record, keys: KeyedHash) -> dict[str, str]:
    """What was attached for having been seen with an identifier of the loser, and the fragments of all of these."""
    theirs, joins = {_name(each) for each in loser.identifiers()}, dict[str, str]()
    later = {name: value for name, value in current.named(b"i:").items() if name not in theirs}
    while True:
        found = [name for name, value in later.items() if read_evidence(value).via in theirs]
        if not found:
            break
        theirs.update(found)
        joins |= {f"i:{name}": later.pop(name).decode() for name in found}
    partition_keys = {keys.partition_key(read_identifier(name)) for name in theirs}
    mine = {loser.customer_id, *loser.named(b"a:")}
    joins |= {f"g:{name}": value.decode() for name, value in current.named(b"g:").items() if value.decode() in mine}
    fragments = fragments_of(current, partition_keys)
    return joins | {field: value for field, value in fragments.items() if field.encode() not in loser.fields}


def fragments_of(record: Record, partition_keys: Container[str]) -> dict[str, str]:
    """The fragments that a customer has of some identifiers."""
    found = record.named(b"f:").items()
    return {f"f:{name}": value.decode() for name, value in found if key_of(name) in partition_keys}


def detach(record: Record, loser: str, leaves: Collection[str], merge_id: str) -> tuple[Change, set[str]]:
    """Takes fields from a customer, and remembers that they are not to come back; gives what was taken, too.

    What another merge brought as well stays.
    """
    gone = record.named(b"d:")
    if f"a:{loser}" in gone:
        leaves = {field for field in leaves if field in gone or field.encode() in record.fields}
    others = {name: each for name, each in record.absorbed.items() if name != loser}
    put: dict[bytes, bytes] = {}
    drop, taken = [f"u:{loser}".encode()], set[str]()
    for field in sorted(leaves):
        also = next((name for name, each in others.items() if field in each.kept), None)
        if also is not None:
            others[also] = _without_kept(others[also], field)
            put[f"a:{also}".encode()] = encode(others[also])
            continue
        taken.add(field)
        drop.append(field.encode())
        put[b"d:" + field.encode()] = merge_id.encode()
    return Change(put, tuple(drop)), taken


def _without_kept(absorbed: Absorbed, field: str) -> Absorbed:
    return msgspec.structs.replace(absorbed, kept=tuple(each for each in absorbed.kept if each != field))


def _name(identifier: Identifier) -> str:
    return f"{identifier.type}:{identifier.value}"
