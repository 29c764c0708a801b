"""What builds and the archive hold about customers, as a shopper who asks for it gets it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from rtp.stores.lake import Lake
from rtp.stores.lake_queries import read_archive
from rtp.stores.marts import marts_session

_ORDERS = """
select order_id, line_id, ordered_at::varchar, channel, store_id, product_id, quantity::varchar,
       net_amount::varchar, discount_amount::varchar
from order_line where list_contains($customers, customer_id) order by ordered_at desc, order_id, line_id
"""
_DECISIONS = """
SELECT decision_id, decided_at::VARCHAR, channel, placement, actions FROM {decisions}
WHERE list_contains($customers, customer_id) ORDER BY decided_at DESC
"""
_ACTIVATIONS = """
SELECT activation_id, finished_at::VARCHAR, channel, destination, status, reason FROM {activations}
WHERE list_contains($customers, customer_id) ORDER BY finished_at DESC
"""

Rows = list[dict[str, Any]]


class LakeRecords:
    """HeldRecords on the lake: sales as of the last build, decisions and messages as of the last archiving."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    async def about(self, customer_ids: Sequence[str]) -> dict[str, Rows]:
        """See HeldRecords."""
        return await asyncio.to_thread(self._about, {"customers": list(customer_ids)})

    def _about(self, wanted: dict[str, Any]) -> dict[str, Rows]:
        return {
            "orders": self._orders(wanted),
            "decisions": self._archived(
                "decisions", _DECISIONS, ["decisionId", "decidedAt", "channel", "placement", "actions"], wanted
            ),
            "activations": self._archived(
                "activations",
                _ACTIVATIONS,
                ["activationId", "finishedAt", "channel", "destination", "status", "reason"],
                wanted,
            ),
        }

    def _orders(self, wanted: dict[str, Any]) -> Rows:
        if not self._lake.mart("order_line").exists():
            return []
        names = [
            "orderId",
            "lineId",
            "orderedAt",
            "channel",
            "storeId",
            "productId",
            "quantity",
            "netAmount",
            "discount",
        ]
        with marts_session(self._lake) as connection:
            return _named(names, connection.execute(_ORDERS, wanted).fetchall())

    def _archived(self, stream: str, query: str, names: Sequence[str], wanted: dict[str, Any]) -> Rows:
        return _named(names, read_archive(self._lake, query, [stream], wanted))


def _named(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Rows:
    return [dict(zip(names, row, strict=True)) for row in rows]
