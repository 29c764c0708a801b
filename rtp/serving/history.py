"""A shopper's traits, events, and all that they may ask for."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import FromPath, QueryParameter

from rtp.clock import from_micros
from rtp.identity.types import Customer
from rtp.profile.history import PastEvent, traits_of
from rtp.serving.auth import needs
from rtp.serving.bodies import AnyRequest
from rtp.serving.documented import SERVER_KEY
from rtp.serving.ports import Ports, ports_of
from rtp.serving.profiles import Features, Grant, features_of, find, grants_of, identifiers_of
from rtp.signals.event import EventType

_TAG = ["profiles"]
_GUARDS = [needs("lookup")]
_PATH = "/v1/profiles/{shopper:str}"
MOST_EVENTS = 10_000


class ShopperEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An event as recorded."""

    message_id: str
    type: str
    name: str
    occurred_at: datetime
    received_at: datetime
    channel: str
    properties: dict[str, Any]
    context: dict[str, Any]
    source: str


class Export(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything on record that the shopper may ask for."""

    customer_id: str
    exported_at: datetime
    identifiers: dict[str, list[str]]
    traits: dict[str, Any]
    consent: list[Grant]
    features: Features
    events: list[ShopperEvent]
    events_are_all: bool
    """False where there are more than are listed."""
    orders: list[dict[str, Any]]
    """Lines of sales, as of the last build."""
    decisions: list[dict[str, Any]]
    activations: list[dict[str, Any]]
    """What was sent, or was not and why; it and decisions are archived within seconds."""


@get(
    f"{_PATH}/traits",
    guards=_GUARDS,
    security=SERVER_KEY,
    tags=_TAG,
    summary="What the shopper and the feeds say of them",
)
async def traits(request: AnyRequest, shopper: FromPath[str]) -> dict[str, Any]:
    """Attributes of the feeds, and over them the last word on each trait of `identify` calls."""
    ports = ports_of(request)
    return await _traits(ports, await find(ports, shopper))


@get(f"{_PATH}/events", guards=_GUARDS, security=SERVER_KEY, tags=_TAG, summary="The shopper's latest events")
async def events(
    request: AnyRequest,
    shopper: FromPath[str],
    limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 50,
) -> list[ShopperEvent]:
    """Newest first; an event appears once it has been folded, within a second of being sent."""
    ports = ports_of(request)
    return [_shown(each) for each in await _events(ports, await find(ports, shopper), limit, None)]


@get(f"{_PATH}/export", guards=_GUARDS, security=SERVER_KEY, tags=_TAG, summary="All that a shopper may ask for")
async def export(request: AnyRequest, shopper: FromPath[str]) -> Export:
    """Identifiers, traits, consent, features, events, sales, decisions and messages, as one document."""
    ports = ports_of(request)
    customer = await find(ports, shopper)
    dossier = await ports.graph.dossier(customer.customer_id)
    merged = [merge.loser for merge in dossier.merges if merge.undone is None] if dossier else []
    consent, features, said, past, held = await asyncio.gather(
        ports.consent.read(customer.customer_id),
        features_of(ports, customer),
        _traits(ports, customer),
        _events(ports, customer, MOST_EVENTS, None),
        ports.records.about([customer.customer_id, *merged]),
    )
    return Export(
        customer_id=customer.customer_id,
        exported_at=ports.clock(),
        identifiers=identifiers_of(customer),
        traits=said,
        consent=grants_of(consent),
        features=features,
        events=[_shown(each) for each in past],
        events_are_all=len(past) < MOST_EVENTS,
        orders=held["orders"],
        decisions=held["decisions"],
        activations=held["activations"],
    )


async def _traits(ports: Ports, customer: Customer) -> dict[str, Any]:
    known, said = await asyncio.gather(
        ports.history.attributes(customer.customer_id), _events(ports, customer, MOST_EVENTS, "identify")
    )
    stated: dict[str, Any] = known | traits_of(each.event for each in said)
    return stated


async def _events(ports: Ports, customer: Customer, limit: int, kind: EventType | None) -> list[PastEvent]:
    """Events that are this customer's: on a shared device others have used the same anonymous id."""
    keys = sorted({fragment.partition(".")[0] for fragment in customer.fragments})
    found = await ports.history.events(keys, limit=limit, kind=kind) if keys else []
    owners = sorted({each.customer_id for each in found})
    now = dict(zip(owners, await ports.graph.customers(owners), strict=True))
    return [each for each in found if (owner := now[each.customer_id]) and owner.customer_id == customer.customer_id]


def _shown(past: PastEvent) -> ShopperEvent:
    event = past.event
    return ShopperEvent(
        message_id=event.message_id,
        type=event.type,
        name=event.name,
        occurred_at=from_micros(event.occurred_at),
        received_at=from_micros(event.received_at),
        channel=event.channel,
        properties=event.properties,
        context=event.context,
        source=event.source,
    )
