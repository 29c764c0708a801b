"""Bringing a destination to the present members of an audience."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import httpx
import msgspec

from rtp.activation.audiences import Change, Hashed, applied, batches, delta, message
from rtp.activation.destinations import Destination
from rtp.activation.webhook import sign_and_send
from rtp.clock import Clock
from rtp.errors import Fatal, Retryable
from rtp.stores.audiences import AudienceFiles, Definition, Sent, members
from rtp.stores.lake import Lake


class Sending(msgspec.Struct, frozen=True):
    """What became of one activation."""

    snapshot: str
    members: int
    """Who is in the audience now."""
    added: int = 0
    removed: int = 0
    messages: int = 0
    active: bool = True
    """False where the destination has no address: then nothing was sent, and the next delta starts where this did."""


class AudienceSync:
    """Brings a destination to the present members of an audience, batch by batch."""

    def __init__(self, lake: Lake, files: AudienceFiles, destinations: Mapping[str, Destination], clock: Clock) -> None:
        self._lake = lake
        self._files = files
        self._destinations = destinations
        self._clock = clock

    async def send(self, definition: Definition) -> Sending:
        """Sends what changed since the last time, recording each batch once it is taken.

        After an interruption the next call goes on where this one stopped: a batch that was taken but not recorded
        is sent again under the same message id. Raises Retryable where the destination does not take a batch.
        """
        snapshot = self._lake.published_version() or ""
        now = members(self._lake, definition)
        destination = self._destination(definition)
        if destination is None:
            return Sending(snapshot, len(now), active=False)
        before = self._files.sent(definition.audience_id)
        changes = delta(before.members, now)
        messages = await self._send_batches(definition, snapshot, before.members, changes, destination, len(now))
        self._files.record(definition.audience_id, Sent(snapshot, self._clock(), now))
        added = sum(change.kind == "added" for change in changes)
        return Sending(snapshot, len(now), added, len(changes) - added, messages)

    async def forget(self, definitions: Sequence[Definition], customer_ids: Collection[str]) -> int:
        """Ends memberships at the destination, then here; returns how many. Raises Retryable as `send` does."""
        ended = 0
        for definition in definitions:
            before = self._files.sent(definition.audience_id)
            left = {member: known for member, known in before.members.items() if member not in customer_ids}
            changes = delta(before.members, left)
            destination = self._destination(definition) if changes else None
            if destination is not None:
                snapshot = f"{before.snapshot}-erased"
                await self._send_batches(definition, snapshot, before.members, changes, destination, len(left))
            if changes:
                self._files.record(definition.audience_id, Sent("", before.sent_at, left))
            ended += len(changes)
        return ended

    def _destination(self, definition: Definition) -> Destination | None:
        name = definition.audience.destination
        if name not in self._destinations:
            raise Fatal(
                f"Audience {definition.audience_id} goes to {name!r}, which is no destination.",
                hint="Declare it in config/destinations.yaml.",
            )
        found = self._destinations[name]
        return found if found.url else None

    async def _send_batches(
        self,
        definition: Definition,
        snapshot: str,
        known: Mapping[str, Hashed],
        changes: list[Change],
        destination: Destination,
        size: int,
    ) -> int:
        audience, audience_id, count = definition.audience, definition.audience_id, 0
        async with httpx.AsyncClient() as client:
            for batch in batches(audience_id, snapshot, changes, audience.batch_size):
                body = message(audience_id, audience, snapshot, batch, size)
                await _deliver(client, destination, body, batch.message_id, audience_id)
                known = applied(known, batch.changes)
                self._files.record(audience_id, Sent("", self._clock(), known))
                count += 1
        return count


async def _deliver(
    client: httpx.AsyncClient, destination: Destination, body: dict[str, Any], message_id: str, audience_id: str
) -> None:
    result = await sign_and_send(
        destination.url,
        destination.secret,
        body,
        message_id,
        client=client,
        timeout_seconds=destination.timeout_seconds,
    )
    if result.outcome != "delivered":
        answer = f"HTTP {result.status}" if result.status else "no answer"
        raise Retryable(
            f"Audience {audience_id}: {destination.name} did not take a batch ({answer}).",
            hint="The next run goes on from this batch.",
        )
