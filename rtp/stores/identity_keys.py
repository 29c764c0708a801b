"""Where the identity graph lies in Redis.

rtp:{p…}      an identifier, by its keyed hash: `c` the customer that owns it; of a shared device also `s` why it is one
              and `e` the log position up to which what it did belongs to its first owner
rtp:{p…}:f0   its first fragment; of a shared device `f1` is the device's own, `fp…` that of a person who used it
rtp:{p…}:f…:aside:<run>  what a replay has rebuilt of it, until it is swapped in; an hour at most
rtp:{c…}      a customer: `v` version, `rank` strength of its name; by name, each with its evidence, `f:<fragment>`,
              `i:<type>:<value>`, `g:<consent of a feed>`, `a:<customer absorbed>`, `x:<customer set apart>` and
              `d:<field that was taken away>`; `u:<customer absorbed>` until its row in the online store is replaced;
              `into` and `by` the customer it went into, and the merge
rtp:{m…}      a merge by its id: `l` the customer merged away, `undo` what is to be taken back, `undone` when it is
rtp:{apart}   pairs of customers set apart
rtp:{stale}   customers that have, or had, a field `u:`
rtp:{undoing} the merge that is being undone: nothing is merged meanwhile
"""

from rtp.identity.types import Identifier

APART = "rtp:{apart}"
STALE = "rtp:{stale}"
UNDOING = "rtp:{undoing}"


def identifier_key(partition_key: str) -> str:
    """The hash of an identifier."""
    return f"rtp:{{{partition_key}}}"


def customer_key(customer_id: str) -> str:
    """The hash of a customer."""
    return f"rtp:{{{customer_id}}}"


def merge_key(merge_id: str) -> str:
    """The hash of a merge."""
    return f"rtp:{{{merge_id}}}"


def fragment_key(fragment: str) -> str:
    """The hash of a fragment."""
    partition_key, _, suffix = fragment.partition(".")
    return f"{identifier_key(partition_key)}:f{suffix or 0}"


def aside_key(fragment: str, run: str) -> str:
    """What the replay `run` has rebuilt of a fragment."""
    return f"{fragment_key(fragment)}:aside:{run}"


def identifier_field(identifier: Identifier) -> str:
    """The field of an identifier in its customer's hash."""
    return f"i:{identifier.type}:{identifier.value}"
