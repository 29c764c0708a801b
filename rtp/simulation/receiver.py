"""The other end of a webhook: a real HTTP server that checks signatures and notes when each message came."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """Listens on a free port of this machine; `messages` holds (id, payload, arrival as epoch seconds)."""

    def __init__(self, secret: str) -> None:
        self.messages: list[tuple[str, dict[str, Any], float]] = []
        self.refused = 0
        self._webhook = Webhook(secret)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://127.0.0.1:{self._server.server_port}/webhook"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def accept(self, headers: dict[str, str], body: bytes) -> bool:
        """Notes a message whose signature holds; False if it does not."""
        arrived = time.time()
        try:
            self._webhook.verify(body, headers)
        except WebhookVerificationError:
            self.refused += 1
            return False
        self.messages.append((headers["webhook-id"], json.loads(body), arrived))
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                accepted = receiver.accept({key.lower(): value for key, value in self.headers.items()}, body)
                self.send_response(200 if accepted else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
                """Keeps the terminal for the live table."""

        return Handler
