"""A customer's hash, read, and what merging changes in it. Pure: no Redis here."""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from rtp.identity.rules import SHARED_RANK, Owner
from rtp.identity.types import Customer, Dossier, Evidence, Identifier, IdentifierType, Merge

CARRIED = (b"f:", b"i:", b"g:", b"a:", b"x:", b"d:")
"""What goes along when a customer goes into another."""

_KINDS = {kind.value: kind for kind in IdentifierType}

Fields = Mapping[bytes, bytes]

encode = msgspec.json.Encoder().encode


class Absorbed(msgspec.Struct, frozen=True):
    """A field `a:`: a merge, and which fields came with it."""

    merge: Merge
    fields: tuple[str, ...] = ()
    """All that the customer had."""
    kept: tuple[str, ...] = ()
    """Those of them that the survivor had already."""


class Change(msgspec.Struct, frozen=True):
    """Fields to set and to delete."""

    put: Mapping[bytes, bytes] = {}
    drop: tuple[bytes, ...] = ()


class Record:
    """A customer's hash."""

    def __init__(self, customer_id: str, fields: Fields) -> None:
        self.customer_id = customer_id
        self.fields = fields

    @property
    def version(self) -> int:
        """Counts changes; compared when the next one is made."""
        return int(self.fields.get(b"v", 0))

    @property
    def into(self) -> str | None:
        """The customer it was merged into."""
        survivor = self.fields.get(b"into")
        return survivor.decode() if survivor is not None else None

    @property
    def rank(self) -> int:
        """Strength of its name."""
        return int(self.fields[b"rank"])

    def named(self, prefix: bytes) -> dict[str, bytes]:
        """The fields of one kind, by what stands behind the prefix."""
        cut = len(prefix)
        return {field[cut:].decode(): value for field, value in self.fields.items() if field.startswith(prefix)}

    @cached_property
    def absorbed(self) -> dict[str, Absorbed]:
        """What came by merges, by the customer that was merged away."""
        return {loser: msgspec.json.decode(value, type=Absorbed) for loser, value in self.named(b"a:").items()}

    def identifiers(self) -> dict[Identifier, Evidence]:
        """Each with why it is this customer's."""
        return {read_identifier(name): read_evidence(value) for name, value in self.named(b"i:").items()}

    def lacks(self, loser: "Record") -> bool:
        """True if a merge of the loser into this customer has not been carried out to its end."""
        wanted = {b"a:" + loser.customer_id.encode(), *(field for field in loser.fields if field.startswith(b"a:"))}
        return any(field not in self.fields and b"d:" + field not in self.fields for field in wanted)


def read_customer(customer_id: str, fields: Fields) -> Customer:
    """A customer from its hash."""
    found: dict[bytes, list[str]] = {b"f:": [], b"i:": [], b"u:": []}
    for field in fields:
        names = found.get(field[:2])
        if names is not None:
            names.append(field[2:].decode())
    return Customer(
        customer_id=customer_id,
        fragments=tuple(sorted(found[b"f:"])),
        identifiers=tuple(map(read_identifier, sorted(found[b"i:"]))),
        version=int(fields.get(b"v", 0)),
        stale=tuple(sorted(found[b"u:"])),
    )


def read_owner(record: Record, rank: int) -> Owner:
    """A customer as the rules see it; `rank` for one that is not known yet."""
    return Owner(
        rank=int(record.fields.get(b"rank", rank)),
        customer_id=record.customer_id,
        held={each: why.at for each, why in record.identifiers().items()},
        aliases=frozenset(record.named(b"a:")),
        apart=frozenset(record.named(b"x:")),
        refused=frozenset(read_identifier(name[2:]) for name in record.named(b"d:") if name.startswith("i:")),
    )


def read_dossier(record: Record) -> Dossier:
    """A customer with all evidence."""
    merges = {each.merge.merge_id: each.merge for each in record.absorbed.values()}
    undone = [msgspec.json.decode(value, type=Merge) for value in record.named(b"x:").values()]
    merges |= {each.merge_id: each for each in undone}
    return Dossier(
        customer=read_customer(record.customer_id, record.fields),
        shared_device=record.rank == SHARED_RANK,
        identifiers=tuple(sorted(record.identifiers().items())),
        fragments=tuple((name, read_evidence(value)) for name, value in sorted(record.named(b"f:").items())),
        merges=tuple(sorted(merges.values(), key=lambda each: (each.evidence.at, each.merge_id))),
    )


def absorb(survivor: Record, loser: Record, merge: Merge) -> Change:
    """What the survivor gets of a customer that goes into it; doing it again adds what is missing yet."""
    before = survivor.absorbed.get(loser.customer_id, Absorbed(merge))
    carried = {
        field: value
        for field, value in loser.fields.items()
        if field.startswith(CARRIED) and b"d:" + field not in survivor.fields
    }
    new = [field for field in carried if field.decode() not in before.fields]
    fields = {*before.fields, *(field.decode() for field in new)}
    kept = {*before.kept, *(field.decode() for field in new if field in survivor.fields)}
    absorbed = Absorbed(before.merge, tuple(sorted(fields)), tuple(sorted(kept)))
    put = {field: value for field, value in carried.items() if field not in survivor.fields}
    name = loser.customer_id.encode()
    stale = {field: b"" for field in loser.fields if field.startswith(b"u:")}
    return Change({**put, **stale, b"a:" + name: encode(absorbed), b"u:" + name: b""})


def read_identifier(name: str) -> Identifier:
    """An identifier from "type:value"."""
    kind, _, value = name.partition(":")
    return Identifier(_KINDS[kind], value)


def read_evidence(value: bytes) -> Evidence:
    """Evidence as it is stored."""
    return msgspec.json.decode(value, type=Evidence)
