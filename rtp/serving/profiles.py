"""One shopper by any identifier: features, identifiers, consent."""

import asyncio
from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import get, put
from litestar.params import FromPath, JSONBody

from rtp.clock import from_micros, to_micros
from rtp.errors import NotFound, Rejected
from rtp.features.live import AS_OF, at_moment
from rtp.features.values import FeatureRow, FeatureValue
from rtp.features.views import CUSTOMER_LIVE, CUSTOMER_PROFILE
from rtp.identity.intake import accept
from rtp.identity.shopper import read_shopper
from rtp.identity.types import Customer, Identifier, IdentifierType
from rtp.profile.consent import CONSENT_CHANGED, Consent, Purpose, consent_properties
from rtp.serving.auth import needs
from rtp.serving.bodies import AnyRequest
from rtp.serving.documented import SERVER_KEY
from rtp.serving.ports import Ports, ports_of
from rtp.signals.parse import Arrival
from rtp.signals.rejection import Rejection

_TAG = ["profiles"]
_GUARDS = [needs("lookup")]
_PATH = "/v1/profiles/{shopper:str}"
_VIEWS = (CUSTOMER_PROFILE, CUSTOMER_LIVE)
_REFERENCES = [f"{view.name}:{name}" for view in _VIEWS for name in view.feature_names]

Features = dict[str, dict[str, FeatureValue]]
"""View to feature to value; null is unknown, never 0."""


class Grant(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The last word on one purpose and channel ("all" speaks for channels without a word of their own)."""

    purpose: str
    channel: str
    status: str
    at: datetime
    source: str


class Profile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A shopper at a glance."""

    customer_id: str
    identifiers: dict[str, list[str]]
    consent: list[Grant]
    features: Features


class SetConsent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The body of `PUT …/consent`."""

    purpose: Purpose
    status: Literal["granted", "denied"]
    channel: Literal["all", "web", "app", "email", "push", "sms", "ads", "store"] = "all"
    at: datetime | None = None
    """When it was said; now, where left out."""
    source: str = "api"


class ConsentSet(msgspec.Struct, frozen=True, rename="camel"):
    """What was recorded; it is on disk, and counts for decisions within a second."""

    purpose: str
    channel: str
    status: str
    at: datetime


@get(_PATH, guards=_GUARDS, security=SERVER_KEY, tags=_TAG, summary="One shopper by any identifier")
async def profile(request: AnyRequest, shopper: FromPath[str]) -> Profile:
    """`shopper` is "type:value": user_id, email, anonymous_id, loyalty_id, phone or customer_id."""
    ports = ports_of(request)
    customer = await find(ports, shopper)
    consent, features = await asyncio.gather(ports.consent.read(customer.customer_id), features_of(ports, customer))
    return Profile(
        customer_id=customer.customer_id,
        identifiers=identifiers_of(customer),
        consent=grants_of(consent),
        features=features,
    )


@get(f"{_PATH}/features", guards=_GUARDS, security=SERVER_KEY, tags=_TAG, summary="The shopper's features")
async def features(request: AnyRequest, shopper: FromPath[str]) -> Features:
    """By view; live values are decayed to now."""
    ports = ports_of(request)
    return await features_of(ports, await find(ports, shopper))


@get(f"{_PATH}/identifiers", guards=_GUARDS, security=SERVER_KEY, tags=_TAG, summary="All identifiers of the shopper")
async def identifiers(request: AnyRequest, shopper: FromPath[str]) -> dict[str, list[str]]:
    """By type."""
    return identifiers_of(await find(ports_of(request), shopper))


@get(f"{_PATH}/consent", guards=_GUARDS, security=SERVER_KEY, tags=_TAG, summary="What the shopper has consented to")
async def consent(request: AnyRequest, shopper: FromPath[str]) -> list[Grant]:
    """The last word on each purpose and channel; what is not listed is a no."""
    ports = ports_of(request)
    customer = await find(ports, shopper)
    return grants_of(await ports.consent.read(customer.customer_id))


@put(f"{_PATH}/consent", guards=_GUARDS, security=SERVER_KEY, tags=_TAG, summary="Record consent or its withdrawal")
async def set_consent(request: AnyRequest, shopper: FromPath[str], data: JSONBody[SetConsent]) -> ConsentSet:
    """Appends a `Consent Changed` event; works for shoppers never seen before. Repeating it changes nothing."""
    ports = ports_of(request)
    now = ports.clock()
    if data.at is not None and data.at.tzinfo is None:
        raise Rejected("The time needs a zone.", reason="BAD_FIELD", field="at", hint="Write 2026-05-01T12:00:00Z.")
    at = min(data.at, now) if data.at is not None else now
    body = {
        **await _named(ports, shopper),
        "event": CONSENT_CHANGED,
        "timestamp": at.isoformat(),
        "properties": consent_properties(data.purpose, data.channel, data.status, at=at, source=data.source),
    }
    arrival = Arrival(received_at=to_micros(now), source="api", type="track")
    outcome = accept(body, arrival, ports.keyed_hash, spelling=ports.spelling)
    if isinstance(outcome, Rejection):
        raise Rejected(outcome.message, reason=outcome.reason, field=outcome.field)
    await ports.log.append([(outcome.partition_key, outcome.event)])
    return ConsentSet(str(data.purpose), data.channel, data.status, at)


async def find(ports: Ports, shopper: str) -> Customer:
    """The customer of "type:value"; raises NotFound, or Rejected for what cannot be a shopper."""
    identifier = read_shopper(shopper, ports.spelling)
    if isinstance(identifier, Identifier):
        customer_id = await ports.graph.resolve(identifier)
    else:
        customer_id = identifier
    customer = await ports.graph.customer(customer_id) if customer_id else None
    if customer is None:
        raise NotFound(
            "Nobody is known by this identifier.",
            reason="UNKNOWN_CUSTOMER",
            field="shopper",
            hint="Send an event that carries it, or check its spelling; values in a path are percent-encoded.",
        )
    return customer


async def _named(ports: Ports, shopper: str) -> dict[str, Any]:
    """The fields by which an event names the shopper."""
    identifier = read_shopper(shopper, ports.spelling)
    if isinstance(identifier, str):
        customer = await find(ports, shopper)
        if not customer.identifiers:
            raise NotFound("This customer has no identifier left.", reason="UNKNOWN_CUSTOMER", field="shopper")
        identifier = min(customer.identifiers, key=lambda each: list(IdentifierType).index(each.type))
    if identifier.type is IdentifierType.USER_ID:
        return {"userId": identifier.value}
    if identifier.type is IdentifierType.ANONYMOUS_ID:
        return {"anonymousId": identifier.value}
    if identifier.type is IdentifierType.CARD:
        return {"context": {"cardToken": identifier.value}}
    if identifier.type is IdentifierType.DEVICE:
        return {"context": {"device": {"id": identifier.value}}}
    return {"context": {"traits": {identifier.type.value: identifier.value}}}


async def features_of(ports: Ports, customer: Customer) -> Features:
    """The customer's features by view, live ones decayed to now."""
    (row,) = await ports.online.read([{"customer_id": customer.customer_id}], _REFERENCES)
    found = {view.name: {name: row.get(f"{view.name}:{name}") for name in view.feature_names} for view in _VIEWS}
    live: FeatureRow = found[CUSTOMER_LIVE.name]
    if live.get(AS_OF) is not None:
        found[CUSTOMER_LIVE.name] = dict(at_moment(live, to_micros(ports.clock())))
    return found


def identifiers_of(customer: Customer) -> dict[str, list[str]]:
    """Identifiers by type."""
    by_type: dict[str, list[str]] = {}
    for each in customer.identifiers:
        by_type.setdefault(each.type.value, []).append(each.value)
    return by_type


def grants_of(consent: Consent) -> list[Grant]:
    """The last words on consent, by purpose and channel."""
    grants = []
    for key, grant in sorted(consent.grants.items()):
        purpose, _, channel = key.partition("/")
        grants.append(
            Grant(purpose=purpose, channel=channel, status=grant.status, at=from_micros(grant.at), source=grant.source)
        )
    return grants
