"""Which fragment an event is folded into: that of its partition key, and on a shared device that of who used it."""

from collections.abc import Sequence

from rtp.signals.event import position_order


def fragment_id(partition_key: str, epoch: int, person: str = "") -> str:
    """The name of a fragment; the first one is called like its partition key."""
    return f"{partition_key}.{person or epoch}" if person or epoch else partition_key


def fragment_at(partition_key: str, epochs: Sequence[str], position: str, person: str = "") -> str:
    """The fragment that the event at a log position is folded into: the first one not closed before it.

    On a device that is shared by then, `person` is the partition key of the identifier that says who used it: each
    person has a fragment of their own there, so that nothing of theirs comes into the device's.
    """
    order = position_order(position)
    epoch = sum(position_order(each) < order for each in epochs)
    return fragment_id(partition_key, epoch, person if epoch == len(epochs) else "")


def is_closed(fragment: str, epochs: Sequence[str]) -> bool:
    """True if no event after the last boundary goes into the fragment."""
    _, _, suffix = fragment.partition(".")
    return not suffix.startswith("p") and int(suffix or 0) < len(epochs)


def key_of(fragment: str) -> str:
    """The partition key of the identifier whose customer the fragment belongs to."""
    partition_key, _, suffix = fragment.partition(".")
    return suffix if suffix.startswith("p") else partition_key
