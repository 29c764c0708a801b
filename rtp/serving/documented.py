"""What /openapi.json says of calls whose body Litestar does not read itself."""

from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, Operation, Reference, RequestBody, Schema

SERVER_KEY: list[dict[str, list[str]]] = [{"serverKey": []}]
WRITE_KEY: list[dict[str, list[str]]] = [{"writeKey": []}]

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
