"""The demonstration's webhook receiver believes only signatures that hold."""

from base64 import b64encode
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from rtp.simulation.receiver import Receiver

SECRET = "whsec_" + b64encode(b"0" * 32).decode()


def headers(secret: str, body: str) -> dict[str, str]:
    now = datetime.now(tz=UTC)
    return {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("m1", now, body),
    }


def test_a_signed_message_is_kept_with_its_id() -> None:
    with Receiver(SECRET) as receiver:
        body = '{"a": 1}'
        assert httpx.post(receiver.url, content=body, headers=headers(SECRET, body)).status_code == 200
        assert [(message[0], message[1]) for message in receiver.messages] == [("m1", {"a": 1})]


def test_a_message_signed_with_another_secret_is_refused_and_counted() -> None:
    with Receiver(SECRET) as receiver:
        other = "whsec_" + b64encode(b"1" * 32).decode()
        assert httpx.post(receiver.url, content="{}", headers=headers(other, "{}")).status_code == 401
        assert (receiver.messages, receiver.refused) == ([], 1)
