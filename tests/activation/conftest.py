"""A real receiver of webhooks, an outbox on a real Redis, and a clock that a test moves."""

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.serving import processes

api, small_catalog = processes.api, processes.small_catalog

SECRET = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"

Answer = tuple[int, Mapping[str, str]]


class Endpoint:
    """Answers as told, 200 by default; keeps what came and whether its signature held."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.received: list[tuple[str, dict[str, Any]]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook_id, sent = self.headers["webhook-id"], int(self.headers["webhook-timestamp"])
                # Not `verify`, which also compares with this machine's time: tests move theirs.
                at = datetime.fromtimestamp(sent, tz=UTC)
                assert self.headers["webhook-signature"] == Webhook(SECRET).sign(webhook_id, at, body.decode())
                endpoint.received.append((webhook_id, json.loads(body)))
                status, headers = endpoint.answers.pop(0) if endpoint.answers else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    thread = threading.Thread(target=endpoint.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()
    thread.join()
