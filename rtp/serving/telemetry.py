"""Metrics and the access log of every request: route templates only, never a path or an identifier."""

import logging
import time

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

access = logging.getLogger("rtp.api.access")

REQUESTS = Counter("rtp_http_requests", "HTTP requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "rtp_http_request_seconds",
    "Time from a request's arrival to the end of its answer.",
    ["method", "route"],
    buckets=(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
)
EVENTS = Counter("rtp_events", "Events by what became of them at the door.", ["type", "outcome"])


def observed(app: ASGIApp) -> ASGIApp:
    """Litestar middleware that counts, times and logs each HTTP request."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, watch)
        finally:
            _record(scope, status, time.perf_counter() - started)

    return middleware


def _record(scope: HTTPScope, status: int, seconds: float) -> None:
    method, route = str(scope["method"]), scope.get("path_template") or "(no such route)"
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)
    access.info("%s %s %d %.1f ms", method, route, status, seconds * 1000)
