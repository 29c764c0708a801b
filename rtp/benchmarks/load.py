"""A light source of events: request bodies made beforehand, sent over a few kept-alive connections."""

import asyncio
import random
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import msgspec

from rtp.errors import Fatal

PRODUCTS = 5_000
STORES = 20
CONNECTIONS = 8
MIX = {"Product Viewed": 60, "Products Searched": 10, "Product Added": 15, "page": 10, "Order Completed": 5}
"""Percent of events, roughly a shop's."""


class Sent(msgspec.Struct):
    """One request with what it is known by."""

    body: bytes
    events: int
    probe: str = ""
    """A product that only this request's first event names."""
    user_id: str = ""
    """Whose that event is."""
    sent_at: float = 0.0
    accepted_at: float = 0.0
    """Monotonic seconds, as `sent_at`; when its 200 was read."""


class EventSource:
    """Makes events as a browser's library sends them: user and device, context, product properties. Seeded."""

    def __init__(self, *, customers: int, write_key: str, host: str, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self._customers = customers
        authorization = b64encode(f"{write_key}:".encode()).decode()
        self._head = (
            f"POST /v1/batch HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {authorization}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self._made = 0

    def first_visits(self, batch: int) -> list[Sent]:
        """One event of each customer."""
        people = range(self._customers)
        return [
            self._request([self._event(person, "Product Viewed") for person in people[start : start + batch]])
            for start in range(0, self._customers, batch)
        ]

    def requests(self, count: int, batch: int, *, probes: bool = False) -> list[Sent]:
        """Requests of `batch` events each, of customers and kinds drawn at random."""
        return [self._probing(batch) if probes else self._request(self._drawn(batch)) for _ in range(count)]

    def _drawn(self, count: int) -> list[dict[str, Any]]:
        kinds = self._random.choices(list(MIX), list(MIX.values()), k=count)
        return [self._event(self._random.randrange(self._customers), kind) for kind in kinds]

    def _probing(self, batch: int) -> Sent:
        person, probe = self._random.randrange(self._customers), f"probe-{self._made}-"
        first = self._event(person, "Product Viewed")
        first["properties"]["product_id"] = probe
        request = self._request([first, *self._drawn(batch - 1)])
        request.probe, request.user_id = probe, f"user-{person}"
        return request

    def _request(self, events: list[dict[str, Any]]) -> Sent:
        body = msgspec.json.encode({"batch": events})
        return Sent(f"{self._head}{len(body)}\r\n\r\n".encode() + body, len(events))

    def _event(self, person: int, kind: str) -> dict[str, Any]:
        self._made += 1
        product, price = self._random.randrange(PRODUCTS), self._random.randrange(99, 9_999) / 100
        properties: dict[str, Any] = {
            "product_id": f"p{product}", "name": f"Product {product}", "category": f"Category {product % 300}",
            "price": price, "currency": "USD",
        }  # fmt: skip
        if kind == "Order Completed":
            properties = {"order_id": f"o{self._made}", "total": price, "products": [properties | {"quantity": 1}]}
        envelope = {"type": "page", "name": "Home"} if kind == "page" else {"type": "track", "event": kind}
        return envelope | {
            "messageId": f"bench-{self._made:012d}",
            "userId": f"user-{person}",
            "anonymousId": f"device-{person}",
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "properties": properties,
            "context": {
                "channel": "web", "storeId": f"s{person % STORES}", "locale": "en-US",
                "page": {"path": f"/p/{product}", "url": f"https://shop.example/p/{product}", "referrer": ""},
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36",
                "library": {"name": "analytics.js", "version": "2.1.0"},
            },
        }  # fmt: skip


class Connections:
    """Kept-alive connections to the API."""

    def __init__(self, host: str, port: int, count: int = CONNECTIONS) -> None:
        self._address = (host, port)
        self._count = count
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def __aenter__(self) -> "Connections":
        """Opens all of them."""
        for _ in range(self._count):
            self._free.put_nowait(await asyncio.open_connection(*self._address))
        return self

    async def __aexit__(self, *_: object) -> None:
        while not self._free.empty():
            self._free.get_nowait()[1].close()

    async def send(self, request: Sent) -> None:
        """Sends it on the next free connection and waits for its 200; raises Fatal for any other answer."""
        connection = await self._free.get()
        reader, writer = connection
        request.sent_at = request.sent_at or perf_counter()
        writer.write(request.body)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        request.accepted_at = perf_counter()
        self._free.put_nowait(connection)
        if not head.startswith(b"HTTP/1.1 200"):
            raise Fatal(f"The API refused events: {answer[:200].decode(errors='replace')}")

    async def as_fast_as_possible(self, requests: Sequence[Sent]) -> None:
        """Every connection sends its next request once it has the answer to the one before."""
        waiting = iter(requests)

        async def one() -> None:
            for request in waiting:
                await self.send(request)

        await asyncio.gather(*(one() for _ in range(self._count)))

    async def at_rate(
        self, requests: Sequence[Sent], per_second: float, accepted: Callable[[Sent], None] = lambda _: None
    ) -> None:
        """Sends at fixed times, however long answers take; waiting for a connection counts as latency."""
        begin = perf_counter()

        async def one(due: float, request: Sent) -> None:
            await asyncio.sleep(due - perf_counter())
            request.sent_at = due
            await self.send(request)
            accepted(request)

        due_times = (begin + place / per_second for place in range(len(requests)))
        async with asyncio.TaskGroup() as group:
            for due, request in zip(due_times, requests, strict=True):
                group.create_task(one(due, request))
