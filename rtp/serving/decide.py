"""Next best actions, and the trace of each decision."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from rtp.decisioning.decision import CustomerRef, DecideContext, DecideRequest, Decision, DecisionRecord
from rtp.errors import NotFound, Rejected
from rtp.serving.auth import needs, write_key
from rtp.serving.bodies import AnyRequest, decode, read_body
from rtp.serving.documented import SERVER_KEY, WRITE_KEY, PageCall, answer, problems
from rtp.serving.ports import ports_of

MOST_ACTIONS = 100
_TAG = ["decisions"]


class WebCustomer(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A page knows nobody but the anonymous id it has made itself."""

    anonymous_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class WebDecideRequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The body of `POST /v1/web/decide`."""

    customer: WebCustomer
    channel: str = "web"
    placement: str = "default"
    context: DecideContext = DecideContext()
    limit: int = 3
    write_key: str | None = None


@post(
    "/v1/decide", status_code=200, guards=[needs("decide")], security=SERVER_KEY, tags=_TAG, summary="Next best actions"
)
async def decide(request: AnyRequest, data: JSONBody[DecideRequest]) -> Decision:
    """The same ranking in every channel for one shopper's moment, minus what this channel cannot show.

    An unknown customer, or one who has not consented to personalization, gets contextual actions.
    """
    _check_limit(data.limit)
    return await ports_of(request).decider.decide(data)


@post(
    "/v1/web/decide",
    status_code=200,
    operation_class=PageCall,
    responses=answer(200, Decision, "The decision.") | problems(403),
    security=WRITE_KEY,
    tags=_TAG,
    summary="Next best actions, asked by a page",
)
async def web_decide(request: AnyRequest) -> Response[bytes]:
    """As `/v1/decide`, for browsers: a write key, from one of its origins, for the page's own anonymous id only."""
    body = await read_body(request)
    key = write_key(request, body)
    origin = request.headers.get("origin", "")
    if not key.admits(origin):
        raise Rejected(
            f"Pages of {origin or 'no origin'} may not use this write key.",
            reason="ORIGIN_NOT_ALLOWED",
            hint="Add the page's origin to `origins` of this key in .rtp/keys.json.",
        )
    asked = decode(body, WebDecideRequest)
    _check_limit(asked.limit)
    if asked.channel != "web":
        raise Rejected(
            "A page asks for the channel `web`.", reason="BAD_FIELD", field="channel", hint="Leave `channel` out."
        )
    decision = await ports_of(request).decider.decide(
        DecideRequest(
            customer=CustomerRef(anonymous_id=asked.customer.anonymous_id),
            channel="web",
            placement=asked.placement,
            context=asked.context,
            limit=asked.limit,
        )
    )
    # What a page may read of others' work ends here: no customer id, no reasons why something was not chosen.
    public = msgspec.structs.replace(decision, customer_id=None, rejected=[])
    return Response(msgspec.json.encode(public), media_type="application/json")


@get(
    "/v1/decisions/{decision_id:str}",
    guards=[needs("decide")],
    security=SERVER_KEY,
    tags=_TAG,
    summary="The trace of a decision",
)
async def trace(request: AnyRequest, decision_id: FromPath[str]) -> DecisionRecord:
    """Candidates, why each rejected one was rejected, features as served, versions."""
    record = await ports_of(request).decider.explained(decision_id)
    if record is None:
        raise NotFound(
            "No decision of that id is kept on line.",
            reason="UNKNOWN_DECISION",
            field="decisionId",
            hint="Older decisions are in the lake, under `decisions/`.",
        )
    return record


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MOST_ACTIONS:
        raise Rejected(f"`limit` is 1 to {MOST_ACTIONS}.", reason="BAD_FIELD", field="limit", hint="Ask for fewer.")
