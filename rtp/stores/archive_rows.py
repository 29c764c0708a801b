"""Log entries as rows of the lake's archive, in the columns of rtp.stores.archive_schema. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from rtp.activation.outbox import ActivationRecord
from rtp.decisioning.decision import DecisionRecord
from rtp.features.commerce import text
from rtp.inventory.stock import MovementRecord
from rtp.signals.event import Event, position_order
from rtp.signals.log import read_verdict
from rtp.signals.rejection import Rejection, Settlement, type_of

Row = dict[str, Any]

_json = msgspec.json.Encoder().encode


class StoredEntry(msgspec.Struct, frozen=True):
    """An entry as it lies in a stream."""

    partition: int
    position: str
    fields: Mapping[bytes, bytes]
    verdict: str = ""
    """Of events only: see rtp.signals.log.read_verdict."""


class ArchivedRow(msgspec.Struct, frozen=True):
    """A row, and the moment (µs) whose UTC day it is filed under."""

    received_at: int
    values: Row


def event_row(entry: StoredEntry) -> ArchivedRow:
    """A row of `events`. An entry that was not applied has `duplicate` true: it counts nowhere."""
    event = msgspec.json.decode(entry.fields[b"d"], type=Event)
    partition_key = entry.fields[b"k"].decode()
    settled = read_verdict(entry.verdict, partition_key)
    properties = event.properties
    values = {
        "partition": entry.partition,
        "position": entry.position,
        "message_id": event.message_id,
        "type": event.type,
        "name": event.name,
        "user_id": event.user_id,
        "anonymous_id": event.anonymous_id,
        "partition_key": partition_key,
        "fragment": settled.fragment,
        "customer_id": settled.customer_id,
        "duplicate": settled.counted != "applied",
        "verdict": settled.counted,
        "channel": event.channel,
        "store_id": event.store_id,
        "product_id": text(properties.get("product_id", properties.get("productId"))),
        "order_id": text(properties.get("order_id", properties.get("orderId"))),
        "decision_id": event.decision_id,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "properties": _text(properties),
        "traits": _text(event.traits),
        "context": _text(event.context),
        "source": event.source,
        "gpc": event.gpc,
    }
    return ArchivedRow(event.received_at, values)


def decision_row(entry: StoredEntry) -> ArchivedRow:
    """A row of `decisions`."""
    record = msgspec.json.decode(entry.fields[b"d"], type=DecisionRecord)
    decision = record.decision
    values = {
        "decision_id": decision.decision_id,
        "moment_id": decision.moment_id,
        "customer_id": decision.customer_id,
        "channel": decision.channel,
        "placement": decision.placement,
        "store_id": record.store_id,
        "decided_at": record.decided_at,
        "fallback": decision.fallback,
        "policy_version": record.policy_version,
        "model_version": record.model_version,
        "catalog_version": record.catalog_version,
        "candidates": record.candidates,
        "actions": _text(decision.actions),
        "rejected": _text(record.rejected),
        "features": _text(record.features),
        "experiments": _text(decision.experiments),
        "trigger_id": record.trigger_id,
    }
    return ArchivedRow(record.decided_at, values)


def activation_row(entry: StoredEntry) -> ArchivedRow:
    """A row of `activations`."""
    record = msgspec.json.decode(entry.fields[b"d"], type=ActivationRecord)
    return ArchivedRow(record.finished_at, msgspec.structs.asdict(record))


def rejection_row(entry: StoredEntry) -> ArchivedRow:
    """A row of `rejected`."""
    return rejected_row(msgspec.json.decode(entry.fields[b"d"], type=Rejection))


def rejected_row(record: Rejection) -> ArchivedRow:
    """A row of `rejected`."""
    values = msgspec.structs.asdict(record) | {
        "rejection_id": record.rejection_id,
        "type": type_of(record),
        "size_bytes": len(record.body),
        "context": _text(record.context),
    }
    return ArchivedRow(record.received_at, values)


def settlement_row(entry: StoredEntry) -> ArchivedRow:
    """A row of `settlements`."""
    record = msgspec.json.decode(entry.fields[b"d"], type=Settlement)
    return ArchivedRow(record.settled_at, msgspec.structs.asdict(record))


def movement_row(entry: StoredEntry) -> ArchivedRow:
    """A row of `movements`. One that was sent again has a row again: its id says so."""
    record = msgspec.json.decode(entry.fields[b"d"], type=MovementRecord)
    values = msgspec.structs.asdict(record.movement) | {"received_at": record.received_at}
    return ArchivedRow(record.received_at, values)


def unreadable_row(stream: str, entry: StoredEntry) -> ArchivedRow:
    """A row of `rejected` for an entry that is no row of its own stream: kept, so that nothing is lost."""
    received_at = position_order(entry.position)[0] * 1_000
    rejection = Rejection(
        reason="UNREADABLE",
        message=f"The entry of {stream} could not be read when it was archived.",
        body=entry.fields.get(b"d", b""),
        source=stream,
        received_at=received_at,
        key=f"{entry.partition}/{entry.position}",
    )
    return rejected_row(rejection)


ROW_OF: Mapping[str, Callable[[StoredEntry], ArchivedRow]] = {
    "events": event_row,
    "decisions": decision_row,
    "activations": activation_row,
    "rejected": rejection_row,
    "settlements": settlement_row,
    "movements": movement_row,
}
"""Archived stream to how its entries become rows."""


def _text(value: Any) -> str:
    return _json(value).decode()
