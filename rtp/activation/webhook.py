"""Signed webhooks: Standard Webhooks 1.0, one attempt a call. Used by activations, audiences and alerts."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import httpx
import msgspec
from standardwebhooks import Webhook

from rtp.clock import Clock, system_clock

# httpx logs every address at info level, and an address may hold a token.
logging.getLogger("httpx").setLevel(logging.WARNING)

RETRY_SECONDS = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Standard Webhooks' schedule: the wait before the first attempt, the second, …"""


class SendResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt."""

    outcome: Literal["delivered", "retry", "gone"]
    """"gone" is 410: the receiver wants nothing more."""
    status: int | None = None
    """The HTTP status, None where there was no answer."""
    retry_after_seconds: float | None = None
    """How long the receiver asked to be left alone."""


async def sign_and_send(
    url: str,
    secret: str,
    payload: Mapping[str, Any],
    webhook_id: str,
    *,
    client: httpx.AsyncClient | None = None,
    timeout_seconds: float = 5.0,
    clock: Clock = system_clock,
) -> SendResult:
    """Posts `payload` as JSON with `webhook-id`, `-timestamp` and `-signature`; never raises for the receiver's faults.

    `webhook_id` stays the same over all attempts of a message. `secret` is "whsec_…". Redirects are not followed:
    a signed message goes where it was addressed to.
    """
    body = msgspec.json.encode(payload)
    headers = signed_headers(secret, body, webhook_id, clock())
    async with AsyncExitStack() as stack:
        sender = client if client is not None else await stack.enter_async_context(httpx.AsyncClient())
        request = sender.build_request("POST", url, content=body, headers=headers, timeout=timeout_seconds)
        try:
            async with asyncio.timeout(timeout_seconds):
                # The answer's body is of no use and may be endless: only its head is read.
                answer = await sender.send(request, stream=True, follow_redirects=False)
                await answer.aclose()
        except (httpx.TransportError, TimeoutError):
            return SendResult(outcome="retry")
    return _read(answer, clock())


def signed_headers(secret: str, body: bytes, webhook_id: str, at: datetime) -> dict[str, str]:
    """The headers by which the receiver knows that the message is ours and fresh."""
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(msg_id=webhook_id, timestamp=at, data=body.decode()),
    }


def _read(answer: httpx.Response, now: datetime) -> SendResult:
    if answer.is_success:
        return SendResult(outcome="delivered", status=answer.status_code)
    if answer.status_code == httpx.codes.GONE:
        return SendResult(outcome="gone", status=answer.status_code)
    wait = _retry_after(answer.headers.get("retry-after", ""), now)
    return SendResult(outcome="retry", status=answer.status_code, retry_after_seconds=wait)


def _retry_after(value: str, now: datetime) -> float | None:
    """RFC 9110: seconds, or a date."""
    if value.strip().isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
