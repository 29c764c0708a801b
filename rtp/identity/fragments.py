"""Which fragment an event is folded into: that of its partition key, and of who owned a shared device then."""

from collections.abc import Sequence

from rtp.signals.event import position_order


def fragment_id(partition_key: str, epoch: int) -> str:
    """The name of a fragment; the first one is called like its partition key."""
    return f"{partition_key}.{epoch}" if epoch else partition_key


def fragment_at(partition_key: str, epochs: Sequence[str], position: str) -> str:
    """The fragment that the event at a log position is folded into: the first one not closed before it."""
    order = position_order(position)
    return fragment_id(partition_key, sum(position_order(each) < order for each in epochs))
