"""Where the identity graph lies in Redis.

rtp:{p…}      an identifier, by its keyed hash: `c` the customer that owns it; of a shared device also `t` when it last
              changed hands and `e` the log positions at which its fragments were closed
rtp:{p…}:f0   its first fragment; `f1` and so on follow where a shared device changed hands
rtp:{c…}      a customer: `v` version, `rank` strength of its name, `f:<fragment>`, `i:<type>:<value>` and
              `m:<merged customer>` with their evidence, `into` the survivor if it was merged away itself
"""

from collections.abc import Mapping

from rtp.identity.types import Customer, Identifier, IdentifierType


def identifier_key(partition_key: str) -> str:
    """The hash of an identifier."""
    return f"rtp:{{{partition_key}}}"


def customer_key(customer_id: str) -> str:
    """The hash of a customer."""
    return f"rtp:{{{customer_id}}}"


def fragment_key(fragment: str) -> str:
    """The hash of a fragment."""
    partition_key, _, epoch = fragment.partition(".")
    return f"{identifier_key(partition_key)}:f{epoch or 0}"


def identifier_field(identifier: Identifier) -> str:
    """The field of an identifier in its customer's hash."""
    return f"i:{identifier.type}:{identifier.value}"


def read_customer(customer_id: str, fields: Mapping[bytes, bytes]) -> Customer:
    """A customer from its hash."""
    names = sorted(field.decode() for field in fields)
    identifiers = (name.split(":", 2)[1:] for name in names if name.startswith("i:"))
    return Customer(
        customer_id=customer_id,
        fragments=tuple(name[2:] for name in names if name.startswith("f:")),
        identifiers=tuple(Identifier(IdentifierType(kind), value) for kind, value in identifiers),
        version=int(fields.get(b"v", 0)),
    )
