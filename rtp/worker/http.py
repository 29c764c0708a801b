"""The worker's own page: /healthz and /metrics, in a few lines of asyncio."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from rtp.errors import Fatal, Retryable
from rtp.signals.log import Accounting
from rtp.worker.service import WorkerState
from rtp.worker.telemetry import observe_log

LONGEST_LINE_SECONDS = 5.0


class WorkerPage:
    """Answers GET requests, one per connection."""

    def __init__(self, state: WorkerState, accounting: Callable[[], Awaitable[Accounting]]) -> None:
        self._state = state
        self._accounting = accounting

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Starts listening; raises Fatal where the port is taken."""
        try:
            return await asyncio.start_server(self._answer, host, port)
        except OSError as error:
            raise Fatal(
                f"Port {port} is taken: {error.strerror}.", hint="Stop what uses it, or set RTP_WORKER_PORT."
            ) from error

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), LONGEST_LINE_SECONDS)
            path = line.split(b" ")[1].split(b"?")[0] if line.count(b" ") == 2 else b""
            status, kind, body = await self._page(path)
            head = (
                f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()
        except (TimeoutError, ConnectionError):
            return
        finally:
            writer.close()

    def _silence(self) -> float | None:
        """How long ago the event log last answered; None if it has not yet."""
        return round(time.monotonic() - self._state.last_success, 1) if self._state.last_success else None

    async def _page(self, path: bytes) -> tuple[str, str, bytes]:
        if path == b"/healthz":
            health = {
                "status": "waiting" if self._state.trouble else "ok",
                "partitions": len(self._state.held),
                "trouble": self._state.trouble,
                "secondsSinceSuccess": self._silence(),
            }
            return "200 OK", "application/json", msgspec.json.encode(health)
        if path == b"/metrics":
            with suppress(Retryable):
                observe_log(await self._accounting())
            return "200 OK", CONTENT_TYPE_LATEST, generate_latest()
        return "404 Not Found", "text/plain", b"GET /healthz or /metrics\n"
