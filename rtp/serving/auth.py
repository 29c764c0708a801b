"""Who may call what: write keys send events, server keys have scopes."""

import binascii
from base64 import b64decode
from collections.abc import Callable
from typing import Any, cast

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from rtp.errors import Rejected
from rtp.stores.keyring import Keyring, Scope, ServerKey, WriteKey

Connection = ASGIConnection[Any, Any, Any, Any]
_KEY_HINT = "`rtp keys` prints the keys of this installation."


class _BodyKey(msgspec.Struct, frozen=True, rename="camel"):
    write_key: str | None = None


_decode_body_key = msgspec.json.Decoder(_BodyKey).decode


def needs(scope: Scope) -> Callable[[Connection, BaseRouteHandler], None]:
    """A Litestar guard: the request carries a server key with that scope."""

    def guard(connection: Connection, _: BaseRouteHandler) -> None:
        key = server_key(connection)
        if scope not in key.scopes:
            held = ", ".join(sorted(key.scopes)) or "none"
            raise Rejected(
                f"This key lacks the scope `{scope}`.", reason="MISSING_SCOPE", hint=f"It has: {held}. Use another key."
            )

    return guard


def server_key(connection: Connection) -> ServerKey:
    """The server key of `Authorization: Bearer …`; raises Rejected (401) where there is none that we know."""
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Rejected(
            "A server key is needed.", reason="NO_KEY", hint=f"Send `Authorization: Bearer <server key>`. {_KEY_HINT}"
        )
    keyring = keys_of(connection)
    found = keyring.server_keys.get(token.strip())
    if found is None:
        hint = "A write key only sends events." if token.strip() in keyring.write_keys else _KEY_HINT
        raise Rejected("This is not a server key of this installation.", reason="WRONG_KEY", hint=hint)
    return found


def write_key(connection: Connection, body: bytes) -> WriteKey:
    """The write key: Basic user name, Bearer, or `writeKey` in the body; raises Rejected (401) without a known one."""
    token = _header_token(connection) or _body_token(body)
    if not token:
        hint = f"Send it as the user name of Basic authentication, or as `writeKey` in the body. {_KEY_HINT}"
        raise Rejected("A write key is needed.", reason="NO_KEY", hint=hint)
    found = keys_of(connection).write_keys.get(token)
    if found is None:
        raise Rejected("This is not a write key of this installation.", reason="WRONG_KEY", hint=_KEY_HINT)
    return found


def keys_of(connection: Connection) -> Keyring:
    """The installation's keys."""
    return cast("Keyring", connection.app.state.ports.keyring)


def _header_token(connection: Connection) -> str:
    kind, _, value = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _body_token(body: bytes) -> str:
    try:
        return _decode_body_key(body).write_key or ""
    except (msgspec.DecodeError, RecursionError):
        return ""
