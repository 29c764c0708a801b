"""Is it alive, is it ready, what does it count."""

from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from rtp.serving.bodies import AnyRequest
from rtp.serving.documented import answer
from rtp.serving.ports import ports_of

_TAG = ["operations"]


@get("/healthz", tags=_TAG, summary="Is the process alive")
async def healthz() -> dict[str, str]:
    """200 as long as the process answers."""
    return {"status": "ok"}


@get(
    "/readyz",
    responses=answer(503, dict[str, object], "What does not answer."),
    tags=_TAG,
    summary="Can it do its work",
)
async def readyz(request: AnyRequest) -> Response[dict[str, object]]:
    """200 when everything that requests need answers, else 503 with what does not."""
    found = await ports_of(request).readiness()
    well = not any(found.values())
    checks = {name: trouble or "ok" for name, trouble in found.items()}
    headers = {} if well else {"Retry-After": "1"}
    status = "ready" if well else "not ready"
    return Response({"status": status, "checks": checks}, status_code=200 if well else 503, headers=headers)


@get("/metrics", tags=_TAG, summary="Prometheus metrics", media_type="text/plain")
async def metrics() -> Response[bytes]:
    """All counters and histograms of this process; labels never hold identifiers."""
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
