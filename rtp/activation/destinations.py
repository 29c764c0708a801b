"""Destinations: where activations are delivered. Declared in config/destinations.yaml."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from rtp.identity.types import IdentifierType
from rtp.yaml_config import mistake, read_config


class DestinationEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the file, as written."""

    kind: Literal["webhook"]
    url: str = ""
    url_env: str = ""
    secret_env: str = ""
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    identifiers: tuple[IdentifierType, ...] = ()


class DestinationFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of config/destinations.yaml."""

    destinations: dict[str, DestinationEntry] = {}


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A destination with its address and secret resolved; "" as url means inactive."""

    name: str
    url: str
    secret: str
    timeout_seconds: float
    identifiers: tuple[IdentifierType, ...] = ()


def load_destinations(
    path: Path, *, default_secret: str, env: Mapping[str, str] | None = None
) -> dict[str, Destination]:
    """All declared destinations by name; raises Fatal with file and line."""
    source = os.environ if env is None else env
    declared = read_config(path, DestinationFile).destinations
    return {name: _resolve(path, name, entry, default_secret, source) for name, entry in declared.items()}


def active(destinations: Mapping[str, Destination]) -> dict[str, Destination]:
    """Those that have an address."""
    return {name: each for name, each in destinations.items() if each.url}


def _resolve(
    path: Path, name: str, entry: DestinationEntry, default_secret: str, env: Mapping[str, str]
) -> Destination:
    where = ["destinations", name]
    if bool(entry.url) == bool(entry.url_env):
        raise mistake(path, where, f"{name} needs one of url and url_env.", hint="Give the one that applies.")
    url = entry.url or env.get(entry.url_env, "")
    if url and not url.startswith(("http://", "https://")):
        told = f"the value of {entry.url_env}" if entry.url_env else "the url"
        raise mistake(path, where, f"{name}: {told} is not an http(s) address.", hint="Write https://…")
    secret = env.get(entry.secret_env, "") if entry.secret_env else default_secret
    if url and not secret:
        raise mistake(path, where, f"{name}: {entry.secret_env} is not set.", hint="Set it, or remove secret_env.")
    return Destination(
        name=name, url=url, secret=secret, timeout_seconds=entry.timeout_seconds, identifiers=entry.identifiers
    )
