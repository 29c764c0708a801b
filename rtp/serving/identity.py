"""Who is who, with the evidence, and taking a merge back."""

from datetime import datetime

import msgspec
from litestar import get, post
from litestar.params import FromPath

from rtp.clock import from_micros, to_micros
from rtp.errors import NotFound
from rtp.identity import types
from rtp.profile.unmerge import undo_merge
from rtp.serving.auth import needs
from rtp.serving.bodies import AnyRequest
from rtp.serving.documented import SERVER_KEY
from rtp.serving.ports import ports_of
from rtp.serving.profiles import find

_TAG = ["identity"]
_GUARDS = [needs("admin")]


class Evidence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Why something is held to be so."""

    rule: str
    source: str
    """The message id of the event, the feed, or who asked for it."""
    at: datetime
    via: str | None = None
    """The identifier it was seen with."""


class HeldIdentifier(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An identifier and why it is this customer's."""

    type: str
    value: str
    evidence: Evidence


class HeldFragment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A list of events that is this customer's, and why."""

    fragment: str
    evidence: Evidence


class Merge(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One customer gone into another; `undone` where that was taken back."""

    merge_id: str
    survivor: str
    loser: str
    evidence: Evidence
    undone: Evidence | None = None


class Dossier(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A customer with all evidence."""

    customer_id: str
    shared_device: bool
    """True for the customer that stands for a shared device, and for no person."""
    identifiers: list[HeldIdentifier]
    fragments: list[HeldFragment]
    merges: list[Merge]


@get("/v1/identity/{shopper:str}", guards=_GUARDS, security=SERVER_KEY, tags=_TAG, summary="Who this is, and why")
async def dossier(request: AnyRequest, shopper: FromPath[str]) -> Dossier:
    """`shopper` is "type:value" as for profiles. Identifiers, fragments and merges, each with its evidence."""
    ports = ports_of(request)
    customer = await find(ports, shopper)
    found = await ports.graph.dossier(customer.customer_id)
    if found is None:
        raise NotFound("This customer has just been removed.", reason="UNKNOWN_CUSTOMER", field="shopper")
    return Dossier(
        customer_id=found.customer.customer_id,
        shared_device=found.shared_device,
        identifiers=[
            HeldIdentifier(type=each.type.value, value=each.value, evidence=_evidence(why))
            for each, why in found.identifiers
        ],
        fragments=[HeldFragment(fragment=name, evidence=_evidence(why)) for name, why in found.fragments],
        merges=[_merge(each) for each in found.merges],
    )


@post(
    "/v1/identity/merges/{merge_id:str}/undo",
    guards=_GUARDS, security=SERVER_KEY, tags=_TAG, status_code=200, summary="Take a merge back",
)  # fmt: skip
async def undo(request: AnyRequest, merge_id: FromPath[str]) -> Merge:
    """Both customers have again what was theirs, features included, and are not merged again. May be repeated."""
    ports = ports_of(request)
    evidence = types.Evidence("undo", "api", to_micros(ports.clock()))
    return _merge(await undo_merge(ports.graph, ports.projector, merge_id, evidence))


def _merge(merge: types.Merge) -> Merge:
    return Merge(
        merge_id=merge.merge_id,
        survivor=merge.survivor,
        loser=merge.loser,
        evidence=_evidence(merge.evidence),
        undone=_evidence(merge.undone) if merge.undone else None,
    )


def _evidence(evidence: types.Evidence) -> Evidence:
    return Evidence(rule=evidence.rule, source=evidence.source, at=from_micros(evidence.at), via=evidence.via or None)
