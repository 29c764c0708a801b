"""Signed webhooks, against a real receiver that checks the signature."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from rtp.activation.webhook import RETRY_SECONDS, SendResult, sign_and_send, signed_headers
from rtp.clock import system_clock
from tests.activation.conftest import SECRET, Answer, Endpoint
from tests.conftest import free_port


async def test_the_receiver_verifies_what_was_sent(endpoint: Endpoint) -> None:
    result = await sign_and_send(endpoint.url, SECRET, {"type": "x", "data": {"name": "Zoë"}}, "msg_1")
    assert result == SendResult(outcome="delivered", status=200)
    assert endpoint.received == [("msg_1", {"type": "x", "data": {"name": "Zoë"}})]


def test_a_changed_body_does_not_verify() -> None:
    headers = signed_headers(SECRET, b'{"a":1}', "msg_1", system_clock())
    Webhook(SECRET).verify(b'{"a":1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b'{"a":2}', headers)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((204, {}), SendResult(outcome="delivered", status=204)),
        ((410, {}), SendResult(outcome="gone", status=410)),
        ((500, {}), SendResult(outcome="retry", status=500)),
        ((400, {}), SendResult(outcome="retry", status=400)),
        ((302, {"location": "http://elsewhere.test/"}), SendResult(outcome="retry", status=302)),
        ((429, {"retry-after": "17"}), SendResult(outcome="retry", status=429, retry_after_seconds=17.0)),
        ((503, {"retry-after": "soon"}), SendResult(outcome="retry", status=503)),
    ],
)
async def test_each_answer_means_what_the_standard_says(
    endpoint: Endpoint, answer: Answer, expected: SendResult
) -> None:
    endpoint.answers = [answer]
    assert await sign_and_send(endpoint.url, SECRET, {}, "msg_1") == expected


async def test_a_date_to_come_back_at_is_honoured(endpoint: Endpoint) -> None:
    now = datetime.now(tz=UTC).replace(microsecond=0)
    endpoint.answers = [(503, {"retry-after": format_datetime(now + timedelta(seconds=90), usegmt=True)})]
    result = await sign_and_send(endpoint.url, SECRET, {}, "msg_1", clock=lambda: now)
    assert result.retry_after_seconds == 90.0


async def test_nobody_listening_is_a_reason_to_retry() -> None:
    result = await sign_and_send(f"http://127.0.0.1:{free_port()}/", SECRET, {}, "msg_1")
    assert result == SendResult(outcome="retry")


def test_the_schedule_is_the_standards() -> None:
    assert [seconds / 3600 for seconds in RETRY_SECONDS[4:]] == [2, 5, 10, 14, 20, 24]
    assert RETRY_SECONDS[:4] == (0, 5, 300, 1800)
