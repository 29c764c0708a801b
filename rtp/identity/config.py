"""The identity rules that a retailer may change: config/identity.yaml."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from rtp.identity.identifiers import STRENGTH
from rtp.identity.normalize import Spelling
from rtp.identity.types import DEVICES, IdentifierType
from rtp.yaml_config import did_you_mean, mistake, read_config

PEOPLE = tuple(kind for kind in IdentifierType if kind not in DEVICES)
"""Kinds that name a person."""
Kind = Literal["user_id", "email", "phone", "loyalty_id", "customer_ref", "card", "device", "anonymous_id"]


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many identifiers of one kind a customer may have."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    within_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] | None = None
    """Only those first seen so near to each other are counted; all, where left out."""


class _Blocked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    values: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    identifiers: dict[str, Limit]
    tell_people_apart: tuple[Kind, ...]
    blocked: _Blocked


class IdentityRules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in config/identity.yaml, and the region of phone numbers."""

    spelling: Spelling = Spelling()
    limits: Mapping[IdentifierType, Limit] = msgspec.field(
        default_factory=lambda: {
            kind: Limit(limit=1 if kind is IdentifierType.USER_ID else 5) for kind in IdentifierType
        }
    )
    priority: Mapping[IdentifierType, int] = msgspec.field(default_factory=lambda: STRENGTH)
    """0 is believed first; what is believed last is dropped first."""
    tell_apart: frozenset[IdentifierType] = frozenset(PEOPLE) - {IdentifierType.CUSTOMER_REF}
    """Two customers with different ones of one such kind are two people, as far as a device can tell."""


def load_identity_rules(path: Path, *, region: str) -> IdentityRules:
    """The rules; raises Fatal with file, line and suggestion."""
    file = read_config(path, _File)
    _check_kinds(path, file)
    spelling = Spelling(
        region, frozenset(value.lower() for value in file.blocked.values), tuple(_patterns(path, file.blocked))
    )
    return IdentityRules(
        spelling=spelling,
        limits={IdentifierType(name): limit for name, limit in file.identifiers.items()},
        priority={IdentifierType(name): rank for rank, name in enumerate(file.identifiers)},
        tell_apart=frozenset(IdentifierType(name) for name in file.tell_people_apart),
    )


def _check_kinds(path: Path, file: _File) -> None:
    known = [str(kind) for kind in IdentifierType]
    for name in file.identifiers:
        if name not in known:
            raise mistake(
                path, ["identifiers", name], f"There is no identifier {name!r}.", hint=did_you_mean(name, known)
            )
    missing = [name for name in known if name not in file.identifiers]
    if missing:
        raise mistake(path, ["identifiers"], f"{', '.join(missing)} is missing.", hint="Every kind has its limit.")
    if next(iter(file.identifiers)) != IdentifierType.USER_ID:
        raise mistake(path, ["identifiers"], "user_id comes first.", hint="A log-in outranks everything else.")
    for index, name in enumerate(file.tell_people_apart):
        if IdentifierType(name) in DEVICES:
            hint = "Name kinds that a person has: " + ", ".join(PEOPLE) + "."
            raise mistake(path, ["tell_people_apart", index], f"A {name} is no person's.", hint=hint)


def _patterns(path: Path, blocked: _Blocked) -> list[re.Pattern[str]]:
    compiled = []
    for index, pattern in enumerate(blocked.patterns):
        try:
            compiled.append(re.compile(pattern))
        except re.error as error:
            hint = "Write a Python regular expression in single quotes."
            raise mistake(path, ["blocked", "patterns", index], f"Not a pattern: {error}.", hint=hint) from error
    return compiled
