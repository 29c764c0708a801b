"""The outbox: what has been decided and must be delivered. Rows survive crashes; delivery is at least once."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from rtp.decisioning.decision import Channel, Decision

DropReason = Literal[
    "NO_CONSENT", "COOLDOWN", "NO_ACTION", "EXPIRED", "DESTINATION_GONE", "DESTINATION_STOPPED",
    "GONE", "NOT_DELIVERED", "REFUSED", "OUT_OF_STOCK", "STOCK_STALE", "",
]  # fmt: skip
"""OUT_OF_STOCK, STOCK_STALE: what it promised can no longer be promised.

GONE: the receiver said 410. REFUSED: the decision itself was not possible. NOT_DELIVERED: retries used up."""


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way. Times are microseconds since 1970 UTC. Holds no identifier but the customer id."""

    activation_id: str
    trigger_id: str
    destination: str
    customer_id: str
    channel: Channel
    purpose: str
    decision: Decision
    caused_at: int
    """When the causing event was accepted."""
    decided_at: int
    expires_at: int
    attempts: int = 0
    """How often it was sent."""


class ActivationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an activation; one row of the lake's `activations`, the last one of an id counts."""

    activation_id: str
    trigger_id: str
    decision_id: str | None
    customer_id: str
    channel: str
    destination: str
    status: Literal["delivered", "failed", "dropped"]
    reason: DropReason
    caused_at: int
    """Microseconds since 1970 UTC, as all times here."""
    decided_at: int | None
    finished_at: int
    attempts: int


class RecordLog(Protocol):
    """Keeps activation records, durably, until they are archived."""

    async def append(self, records: Sequence[ActivationRecord]) -> None:
        """Stores them. Raises Retryable when it cannot."""
        ...


class Outbox(Protocol):
    """Rows that are due at a time; all calls raise Retryable when the store is away."""

    async def begin(
        self, activation_id: str, *, trigger_id: str, customer_id: str
    ) -> Literal["go", "cooling", "known"]:
        """May this activation go ahead? "known" if it was added before, "cooling" if another one was lately."""
        ...

    async def add(self, row: OutboxRow, *, due: int, cooldown_seconds: int) -> bool:
        """Stores a row and starts the cooldown of its trigger and customer.

        False, and nothing changes, if its id was added before (for a week) or another one's cooldown runs.
        """
        ...

    async def claim(self, *, now: int, lease_seconds: float, count: int) -> list[OutboxRow]:
        """Rows that are due, hidden from other claims until the lease is over."""
        ...

    async def retry(self, row: OutboxRow, *, due: int) -> None:
        """Puts the row, with its new number of attempts, back until `due`."""
        ...

    async def settle(self, row: OutboxRow) -> None:
        """Removes a row that needs nothing more."""
        ...

    async def bury(self, row: OutboxRow, reason: DropReason) -> None:
        """Moves a row to the dead letters."""
        ...

    async def stop(self, destination_url: str, *, seconds: int) -> None:
        """Sends nothing to that address for a time: it said that it is gone."""
        ...

    async def stopped(self, destination_url: str) -> bool:
        """Whether sending to that address is stopped."""
        ...

    async def depth(self) -> int:
        """How many rows wait."""
        ...
