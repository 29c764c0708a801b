"""How commands call the HTTP API: with the server key; its problems become errors of one line."""

from typing import Any
from urllib.parse import quote

from rtp.errors import NotFound, Rejected, Retryable, RtpError


def call_api(method: str, path: str, *, body: Any = None) -> Any:
    """The JSON of the answer. Raises Retryable if the API is away, else what its problem says."""
    import httpx

    from rtp.settings import load_settings
    from rtp.stores.keyring import load_keyring

    settings = load_settings()
    headers = {"authorization": f"Bearer {load_keyring(settings).server}"}
    try:
        answer = httpx.request(method, settings.api_url + path, json=body, headers=headers, timeout=10.0)
    except httpx.TransportError as error:
        raise Retryable(
            f"The API does not answer at {settings.api_url}.", hint="Start everything with `rtp up`."
        ) from error
    if not answer.is_success:
        raise _error_of(answer.status_code, answer.text)
    return answer.json()


def in_path(shopper: str) -> str:
    """ "type:value" as a part of a path."""
    return quote(shopper, safe=":")


def _error_of(status: int, text: str) -> RtpError:
    import msgspec

    try:
        problem = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        return RtpError(f"What answers there is not this API (status {status}).", hint="Check RTP_API_PORT.")
    detail, hint = str(problem.get("detail", text)), str(problem.get("hint", ""))
    field, reason = str(problem.get("field", "")), str(problem.get("reason", ""))
    if status == 503:
        return Retryable(detail, hint=hint)
    kind = NotFound if status == 404 else Rejected
    return kind(f"{detail} ({field})" if field else detail, reason=reason, field=field, hint=hint)
