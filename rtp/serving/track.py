"""Events in: Segment's HTTP Tracking API."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from rtp.clock import to_micros
from rtp.errors import Rejected
from rtp.identity.intake import Accepted, accept
from rtp.serving.auth import keys_of, write_key
from rtp.serving.bodies import AnyRequest, read_body
from rtp.serving.documented import WRITE_KEY, BatchCall, EventCall, RejectedItem, Taken, answer, problems
from rtp.serving.ports import ports_of
from rtp.serving.telemetry import EVENTS
from rtp.signals.event import EventType
from rtp.signals.parse import Arrival, arrival_of_items, parse_batch
from rtp.signals.rejection import Rejection

CALLS: dict[str, EventType] = {
    "/v1/track": "track", "/v1/t": "track", "/v1/identify": "identify", "/v1/i": "identify",
    "/v1/page": "page", "/v1/p": "page", "/v1/screen": "screen", "/v1/s": "screen",
    "/v1/group": "group", "/v1/g": "group", "/v1/alias": "alias", "/v1/a": "alias",
}  # fmt: skip
_KEPT = "What was sent is kept with this reason; mend the sender and send again."
_SUCCESS = Response(b'{"success": true}', media_type="application/json")


@post(
    list(CALLS),
    status_code=200,
    operation_class=EventCall,
    responses=answer(200, Taken, "On disk."),
    security=WRITE_KEY,
    tags=["events"],
    summary="Send one event",
)
async def call(request: AnyRequest) -> Response[bytes]:
    """Takes one event; 200 means that it is on disk. The write key is the Basic user name or `writeKey` in the body."""
    ports, body = ports_of(request), await read_body(request)
    kind = CALLS[request.scope["path_template"]]
    arrival = _arrival(request, body, kind)
    outcome = accept(body, arrival, ports.keyed_hash, spelling=ports.spelling)
    if isinstance(outcome, Rejection):
        await ports.rejected.append([outcome])
        EVENTS.labels(kind, outcome.reason).inc()
        raise _problem(outcome)
    await ports.log.append([(outcome.partition_key, outcome.event)])
    EVENTS.labels(kind, "accepted").inc()
    return _SUCCESS


@post(
    ["/v1/batch", "/v1/b"],
    status_code=200,
    operation_class=BatchCall,
    responses=answer(200, Taken, "On disk, or kept with the reason why not."),
    security=WRITE_KEY,
    tags=["events"],
    summary="Send many events",
)
async def batch(request: AnyRequest) -> Response[bytes]:
    """Takes `{"batch": [event, …]}`; a bad item is kept and reported, the rest counts. 200 means: on disk."""
    ports, body = ports_of(request), await read_body(request)
    arrival = _arrival(request, body, None)
    parsed = parse_batch(body, arrival)
    if isinstance(parsed, Rejection):
        await ports.rejected.append([parsed])
        EVENTS.labels("batch", parsed.reason).inc()
        raise _problem(parsed)
    arrival = arrival_of_items(arrival, parsed)
    outcomes = [accept(item, arrival, ports.keyed_hash, spelling=ports.spelling) for item in parsed.batch]
    accepted = [each for each in outcomes if isinstance(each, Accepted)]
    refused = [each for each in outcomes if isinstance(each, Rejection)]
    # The rejected first: if the log then fails, the sender repeats the batch, and events count once by message id.
    if refused:
        await ports.rejected.append(refused)
    await ports.log.append([(each.partition_key, each.event) for each in accepted])
    return _report(outcomes)


@get(
    "/v1/projects/{key:str}/settings",
    responses=problems(401),
    tags=["events"],
    summary="Settings for Segment's browser library",
)
async def project_settings(request: AnyRequest, key: FromPath[str]) -> dict[str, Any]:
    """What `analytics.js` reads before it sends: that its only destination is this server."""
    if key not in keys_of(request).write_keys:
        hint = "`rtp keys` prints the keys of this installation."
        raise Rejected("This is not a write key of this installation.", reason="WRONG_KEY", hint=hint)
    # Behind a proxy that ends TLS the page must not be sent to http: it would be refused as mixed content.
    told = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    scheme = told if told in {"http", "https"} else request.url.scheme
    target = {"apiKey": key, "apiHost": f"{request.url.netloc}/v1", "protocol": scheme}
    return {
        "integrations": {"Segment.io": {**target, "unbundledIntegrations": [], "addBundledMetadata": False}},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}, "identify": {}, "group": {}},
        "edgeFunction": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def _arrival(request: AnyRequest, body: bytes, kind: EventType | None) -> Arrival:
    return Arrival(
        received_at=to_micros(ports_of(request).clock()),
        source=write_key(request, body).source,
        gpc=request.headers.get("sec-gpc") == "1",
        type=kind,
    )


def _report(outcomes: list[Accepted | Rejection]) -> Response[bytes]:
    rejected: list[RejectedItem] = []
    for index, each in enumerate(outcomes):
        if isinstance(each, Rejection):
            EVENTS.labels("batch", each.reason).inc()
            rejected.append(RejectedItem(index=index, reason=each.reason, message=each.message, field=each.field))
        else:
            EVENTS.labels(each.event.type, "accepted").inc()
    if not rejected:
        return _SUCCESS
    if len(rejected) == len(outcomes):
        first, why = rejected[0], f"None of the {len(rejected)} events could be taken. The first: "
        field = f"batch[{first.index}]" + (f".{first.field}" if first.field else "")
        raise Rejected(why + first.message, reason=first.reason, field=field, hint=_KEPT)
    report = Taken(success=True, accepted=len(outcomes) - len(rejected), rejected=rejected)
    return Response(msgspec.json.encode(report), media_type="application/json")


def _problem(rejection: Rejection) -> Rejected:
    return Rejected(rejection.message, reason=rejection.reason, field=rejection.field, hint=_KEPT)
