"""Consent: purpose x channel, unknown is no."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

import msgspec

Status = Literal["granted", "denied"]


class Purpose(StrEnum):
    """What the data may be used for."""

    PERSONALIZATION = "personalization"
    MARKETING = "marketing"
    ADS = "ads"
    SALE = "sale"
    ANALYTICS = "analytics"


class Grant(msgspec.Struct, frozen=True):
    """The last word on one purpose and channel."""

    status: Status
    at: int
    """Microseconds since 1970 UTC."""
    source: str = ""


class Consent(msgspec.Struct, frozen=True):
    """All last words, keyed "purpose/channel"; channel "all" speaks for each channel that has no word of its own."""

    grants: Mapping[str, Grant] = {}

    def allows(self, purpose: Purpose, channel: str) -> bool:
        """True only if somebody said yes and nobody later said no."""
        grant = self.grants.get(f"{purpose}/{channel}") or self.grants.get(f"{purpose}/all")
        return grant is not None and grant.status == "granted"
