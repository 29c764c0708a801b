"""What a channel app does over HTTP: tracks, looks up, asks for decisions. It knows nothing but the public contract."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import httpx

from rtp.errors import Fatal, Retryable
from rtp.simulation.recorder import Recorder

RETRY_SECONDS = 0.25
GIVE_UP_SECONDS = 90.0

Json = dict[str, Any]


class ChannelClient:
    """A client as any SDK has it: what is not answered is sent again with the same ids."""

    def __init__(self, base_url: str, *, write_key: str, server_key: str, recorder: Recorder) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=10.0, limits=httpx.Limits(max_connections=32))
        self._track_auth = httpx.BasicAuth(write_key, "")
        self._server_headers = {"Authorization": f"Bearer {server_key}"}
        self._recorder = recorder

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def track(self, channel: str, events: Sequence[Json]) -> float:
        """Sends a batch; returns the moment (monotonic seconds) at which it was accepted."""
        await self._send("collect", "POST", "/v1/batch", json={"batch": list(events)}, auth=self._track_auth)
        self._recorder.counts["accepted"] += len(events)
        self._recorder.events_by_channel[channel] += len(events)
        return time.monotonic()

    async def decide(self, channel: str, body: Json) -> Json:
        """Asks for next best actions."""
        answer = await self._send("decision", "POST", "/v1/decide", json=body, headers=self._server_headers)
        self._recorder.counts["decisions"] += 1
        self._recorder.decisions_by_channel[channel] += 1
        decision: Json = answer.json()
        return decision

    async def features(self, customer_id: str, names: Sequence[str]) -> dict[str, Any]:
        """Reads features by Feast's contract; names of what is missing map to None."""
        body = {"features": list(names), "entities": {"customer_id": [customer_id]}, "full_feature_names": False}
        answer = await self._send("lookup", "POST", "/get-online-features", json=body, headers=self._server_headers)
        found = answer.json()
        columns = zip(found["metadata"]["feature_names"], found["results"], strict=True)
        return {name: column["values"][0] for name, column in columns}

    async def profile(self, identifier: str) -> Json | None:
        """One shopper by "type:value", or None if unknown."""
        answer = await self._send("lookup", "GET", f"/v1/profiles/{identifier}", headers=self._server_headers)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        profile: Json = answer.json()
        return profile

    async def move_stock(self, movements: Sequence[Json]) -> None:
        """Reports stock movements as a till or a stock system does."""
        body = {"movements": list(movements)}
        await self._send("stock", "POST", "/v1/inventory/movements", json=body, headers=self._server_headers)
        self._recorder.counts["movements"] += len(movements)

    async def stock(self, product_id: str, store_id: str) -> Json | None:
        """The stock position at source."""
        answer = await self._send(
            "stock", "GET", f"/v1/inventory/{product_id}", params={"storeId": store_id}, headers=self._server_headers
        )
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        position: Json = answer.json()
        return position

    async def _send(self, kind: str, method: str, url: str, **request: Any) -> httpx.Response:
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while True:
            started = time.monotonic()
            try:
                answer = await self._http.request(method, url, **request)
            except httpx.TransportError as error:
                if time.monotonic() > give_up:
                    raise Retryable("The API does not answer.", hint="`rtp status` shows what is up.") from error
            else:
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > give_up:
                    if kind in self._recorder.seconds:
                        self._recorder.seconds[kind].append(time.monotonic() - started)
                    return _meant(answer)
            self._recorder.counts["retries"] += 1
            await asyncio.sleep(RETRY_SECONDS)


def _meant(answer: httpx.Response) -> httpx.Response:
    """The answer, if it is one that a client can go on with; unknown things are."""
    if answer.is_success or answer.status_code == httpx.codes.NOT_FOUND:
        return answer
    raise Fatal(f"{answer.request.url.path} answered {answer.status_code}: {answer.text[:300]}")
