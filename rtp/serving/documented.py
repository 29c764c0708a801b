"""What /openapi.json says of calls whose body Litestar does not read itself."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, Operation, Reference, RequestBody, Schema

from rtp.serving.problems import PROBLEM_TYPE, TITLES, Problem

SERVER_KEY: list[dict[str, list[str]]] = [{"serverKey": []}]
WRITE_KEY: list[dict[str, list[str]]] = [{"writeKey": []}]


class RejectedItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A bad item of a batch, and why it was not taken."""

    index: int
    reason: str
    message: str
    field: str = ""


class Taken(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The answer to events that are on disk. Of a batch with bad items the others count, and the bad ones are kept."""

    success: bool
    accepted: int = 0
    """Only where some items were rejected: how many were not."""
    rejected: list[RejectedItem] = []


def answer(status: int, kind: Any, description: str) -> dict[int, ResponseSpec]:
    """What a call answers, for calls that put their answer into bytes themselves."""
    return {status: ResponseSpec(data_container=kind, description=description, generate_examples=False)}


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Answers of these statuses, each a problem."""
    return {
        status: ResponseSpec(Problem, description=TITLES[status], media_type=PROBLEM_TYPE, generate_examples=False)
        for status in statuses
    }


def with_problems(handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """The handler, its documentation completed by the problems that its kind of call may answer."""
    statuses = {503} if handler.security else set()
    if handler.security == SERVER_KEY:
        statuses |= {401, 403}
    if handler.security == WRITE_KEY:
        statuses |= {401}
    if any("{" in path for path in handler.paths):
        statuses |= {400, 404}
    if {"POST", "PUT"} & {str(method) for method in handler.http_methods}:
        statuses |= {400, 413}
    handler.responses = {**problems(*sorted(statuses)), **(handler.responses or {})}
    return handler


def any_of_instead_of_one_of(part: Any) -> None:
    """Mends a generated description in place: a whole number is an integer and a number, so it fits no `oneOf`."""
    if isinstance(part, Schema) and part.one_of:
        part.any_of, part.one_of = part.one_of, None
    inside: Iterable[Any] = ()
    if is_dataclass(part):
        inside = [getattr(part, each.name) for each in fields(part)]
    elif isinstance(part, dict):
        inside = part.values()
    elif isinstance(part, list | tuple):
        inside = part
    for each in inside:
        any_of_instead_of_one_of(each)


_TEXT = Schema(type=OpenAPIType.STRING)
_OBJECT = Schema(type=OpenAPIType.OBJECT)
_TIME = Schema(type=OpenAPIType.STRING, description="ISO 8601.")
_EVENT = Schema(
    type=OpenAPIType.OBJECT,
    description="Segment's envelope. One of userId and anonymousId, or an e-mail, phone or loyalty id in the traits.",
    properties={
        "messageId": Schema(type=OpenAPIType.STRING, description="Counts once in 24 hours, however often sent."),
        "userId": _TEXT,
        "anonymousId": _TEXT,
        "type": Schema(type=OpenAPIType.STRING, description="In a batch: which call it is."),
        "event": Schema(type=OpenAPIType.STRING, description="For `track`: what happened, e.g. Product Viewed."),
        "name": Schema(type=OpenAPIType.STRING, description="For `page` and `screen`."),
        "previousId": Schema(type=OpenAPIType.STRING, description="For `alias`."),
        "groupId": Schema(type=OpenAPIType.STRING, description="For `group`."),
        "timestamp": _TIME,
        "sentAt": _TIME,
        "properties": _OBJECT,
        "traits": _OBJECT,
        "context": Schema(type=OpenAPIType.OBJECT, description="channel, storeId, decisionId, traits …"),
        "writeKey": _TEXT,
    },
)
_EXAMPLE: dict[str, Any] = {
    "messageId": "7c2b",
    "userId": "2375",
    "event": "Product Viewed",
    "properties": {"product_id": "p1"},
    "context": {"channel": "web"},
}
_BATCH = Schema(
    type=OpenAPIType.OBJECT,
    required=["batch"],
    properties={
        "batch": Schema(type=OpenAPIType.ARRAY, items=_EVENT),
        "sentAt": _TIME,
        "context": _OBJECT,
        "writeKey": _TEXT,
    },
)
_PAGE = Schema(
    type=OpenAPIType.OBJECT,
    required=["customer"],
    properties={
        "customer": Schema(type=OpenAPIType.OBJECT, required=["anonymousId"], properties={"anonymousId": _TEXT}),
        "placement": _TEXT,
        "context": _OBJECT,
        "limit": Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=100),
        "writeKey": _TEXT,
    },
)


def _body(schema: Schema, example: Any) -> RequestBody:
    examples: dict[str, Example | Reference] = {"example": Example(value=example)}
    return RequestBody(required=True, content={"application/json": OpenAPIMediaType(schema=schema, examples=examples)})


@dataclass
class EventCall(Operation):
    """A call that takes one event."""

    def __post_init__(self) -> None:
        self.request_body = _body(_EVENT, _EXAMPLE)


@dataclass
class BatchCall(Operation):
    """A call that takes many events."""

    def __post_init__(self) -> None:
        self.request_body = _body(_BATCH, {"batch": [{"type": "track", **_EXAMPLE}]})


@dataclass
class PageCall(Operation):
    """A page's question for a decision."""

    def __post_init__(self) -> None:
        self.request_body = _body(_PAGE, {"customer": {"anonymousId": "a1"}, "placement": "home_hero"})
