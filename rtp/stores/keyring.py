"""Keys and secrets: made at first use into one file only its owner can read; the environment overrides."""

import os
import secrets
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from rtp.errors import Fatal
from rtp.settings import Settings

Scope = Literal["lookup", "decide", "inventory", "associate", "admin"]
ALL_SCOPES: frozenset[Scope] = frozenset({"lookup", "decide", "inventory", "associate", "admin"})
LOCAL_ORIGINS = ("http://localhost", "http://127.0.0.1")
"""Where a page may call from while nobody has said otherwise: this machine, any port."""


class WriteKey(msgspec.Struct, frozen=True, rename="camel"):
    """A key that browsers, apps and tills hold: it sends events and asks `/v1/web/decide`, nothing else."""

    source: str = "default"
    """Which sending system; it stands in every event that came by this key."""
    origins: tuple[str, ...] = LOCAL_ORIGINS
    """Pages that may ask for decisions: "https://shop.example"; without a port, any port; "*" is every page."""

    def admits(self, origin: str) -> bool:
        """Whether a page of that origin may use the key."""
        return any(
            allowed in {"*", origin} or (allowed.count(":") == 1 and origin.rpartition(":")[0] == allowed)
            for allowed in self.origins
        )


class ServerKey(msgspec.Struct, frozen=True, rename="camel"):
    """A key that servers hold; an associate's key is bound to a store."""

    scopes: frozenset[Scope] = ALL_SCOPES
    store_id: str | None = None


class Keyring(msgspec.Struct, frozen=True, rename="camel"):
    """All keys and secrets. `write` and `server` are the first of each kind: what `rtp keys` prints."""

    write: str
    server: str
    identity_secret: bytes
    """Keys every HMAC over an identifier: change it, and no customer is found again."""
    webhook_secret: str
    """Signs what we send, as Standard Webhooks spells it ("whsec_…")."""
    write_keys: Mapping[str, WriteKey]
    """Key to source and allowed pages; contains `write`."""
    server_keys: Mapping[str, ServerKey]
    """Key to scopes and store; contains `server`."""


def keyring_path(settings: Settings) -> Path:
    """The file that holds the keys."""
    return settings.state_dir / "keys.json"


def load_keyring(settings: Settings, env: Mapping[str, str] | None = None) -> Keyring:
    """The keys; makes the file (mode 0600) at first use, and of processes that race one wins for all.

    RTP_WRITE_KEY, RTP_SERVER_KEY, RTP_IDENTITY_SECRET and RTP_WEBHOOK_SECRET override what the file says; with all
    four set no file is needed. Raises Fatal where the file cannot be read.
    """
    source = os.environ if env is None else env
    path = keyring_path(settings)
    names = ("RTP_WRITE_KEY", "RTP_SERVER_KEY", "RTP_IDENTITY_SECRET", "RTP_WEBHOOK_SECRET")
    if not path.exists() and not all(source.get(name) for name in names):
        _create(path, _fresh())
    stored = _read(path) if path.exists() else _fresh()
    return _override(stored, source)


def _fresh() -> Keyring:
    write, server = f"wk_{secrets.token_urlsafe(24)}", f"sk_{secrets.token_urlsafe(24)}"
    return Keyring(
        write=write,
        server=server,
        identity_secret=secrets.token_bytes(32),
        webhook_secret=f"whsec_{b64encode(secrets.token_bytes(32)).decode()}",
        write_keys={write: WriteKey()},
        server_keys={server: ServerKey()},
    )


def _create(path: Path, keyring: Keyring) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(keyring), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link never replaces: the first process wins and the others read what it wrote.
            os.link(aside, path)
        except FileExistsError:
            return
    finally:
        aside.unlink()


def _read(path: Path) -> Keyring:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Keyring)
    except (OSError, msgspec.DecodeError) as error:
        raise Fatal(
            f"{path} cannot be read as keys: {error}.",
            hint="Restore it from a backup; deleting it makes new keys, and no known customer is recognised again.",
        ) from error


def _override(stored: Keyring, env: Mapping[str, str]) -> Keyring:
    write, server = env.get("RTP_WRITE_KEY") or stored.write, env.get("RTP_SERVER_KEY") or stored.server
    write_keys, server_keys = dict(stored.write_keys), dict(stored.server_keys)
    write_keys[write] = write_keys.pop(stored.write, WriteKey())
    server_keys[server] = server_keys.pop(stored.server, ServerKey())
    identity_secret = env.get("RTP_IDENTITY_SECRET", "").encode() or stored.identity_secret
    if len(identity_secret) < 16:
        raise Fatal(
            "RTP_IDENTITY_SECRET is too short.", hint="Give it at least 16 characters, the same in every process."
        )
    return Keyring(
        write=write,
        server=server,
        identity_secret=identity_secret,
        webhook_secret=env.get("RTP_WEBHOOK_SECRET") or stored.webhook_secret,
        write_keys=write_keys,
        server_keys=server_keys,
    )
