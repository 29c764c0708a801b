"""Events as people watch them arrive: what happened, without saying to whom."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from typing import Any

from rtp.clock import from_micros
from rtp.signals.event import LogEntry, position_order
from rtp.signals.log import EventLog

POLL_SECONDS = 0.2
POLL_COUNT = 500
SHOWN_PROPERTIES = ("productId", "product_id", "orderId", "order_id", "query", "quantity", "price", "revenue")
_TAG = 9


def described(entry: LogEntry, *, show_identifiers: bool = False) -> dict[str, Any]:
    """An event for the screen. Without `show_identifiers` a shopper is a tag, and only harmless properties appear."""
    event = entry.event
    shown: dict[str, Any] = {
        "receivedAt": from_micros(event.received_at).isoformat(timespec="milliseconds"),
        "lateSeconds": round((event.received_at - event.occurred_at) / 1_000_000, 3),
        "type": event.type,
        "name": event.name,
        "channel": event.channel,
        "storeId": event.store_id,
        "decisionId": event.decision_id,
        "source": event.source,
        "messageId": event.message_id,
        "shopper": entry.partition_key[:_TAG],
        "position": f"{entry.partition}/{entry.position}",
        "properties": {name: event.properties[name] for name in SHOWN_PROPERTIES if name in event.properties},
    }
    if show_identifiers:
        shown |= {
            "userId": event.user_id,
            "anonymousId": event.anonymous_id,
            "traits": event.traits,
            "properties": event.properties,
            "context": event.context,
        }
    return shown


async def newest(log: EventLog, count: int) -> list[LogEntry]:
    """The last events of all partitions that are not archived yet, oldest first."""
    found = [each for partition in range(log.partitions) for each in await log.newest(partition, count=count)]
    return heapq.nlargest(count, found, key=lambda each: position_order(each.position))[::-1]


async def follow(log: EventLog, after: dict[int, str]) -> AsyncIterator[LogEntry]:
    """Every event after the given position of each partition, as it arrives; takes it from nobody. Raises Retryable."""
    after = dict(after)
    while True:
        fresh = []
        for partition in range(log.partitions):
            entries = await log.tail(partition, after=after.get(partition, ""), count=POLL_COUNT)
            if entries:
                after[partition] = entries[-1].position
                fresh += entries
        for entry in sorted(fresh, key=lambda each: position_order(each.position)):
            yield entry
        if not fresh:
            await asyncio.sleep(POLL_SECONDS)
