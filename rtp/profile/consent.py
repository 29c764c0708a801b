"""Consent: purpose x channel, unknown is no. Its authority is the log of `Consent Changed` events."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import msgspec

from rtp.clock import to_micros
from rtp.signals.event import Event
from rtp.signals.vocabulary import BY_NAME, CONSENT_CHANGED, Purpose

__all__ = [
    "CONSENT_CHANGED", "Consent", "ConsentReader", "Grant", "Grants", "Purpose", "Status", "combine_grants",
    "consent_properties", "grants_of",
]  # fmt: skip

Status = Literal["granted", "denied"]


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
        """True only if somebody said yes and nobody later said no, neither to the channel nor to all."""
        own, general = self.grants.get(f"{purpose}/{channel}"), self.grants.get(f"{purpose}/all")
        grant = own or general
        if grant is None or grant.status == "denied":
            return False
        return not (general is not None and general.status == "denied" and general.at >= grant.at)


class ConsentReader(Protocol):
    """Reads consent where it is written, so that a word just given counts at once."""

    async def read(self, customer_id: str) -> Consent:
        """All that a customer ever said, in each channel and feed; empty for an unknown one. Raises Retryable."""
        ...


Grants = Mapping[str, Grant]


def combine_grants(several: Iterable[Grants]) -> dict[str, Grant]:
    """The last word on each purpose and channel; of two at one moment, no. The order of `several` does not matter."""
    combined: dict[str, Grant] = {}
    for grants in several:
        for key, grant in grants.items():
            known = combined.get(key)
            if known is None or _order(grant) > _order(known):
                combined[key] = grant
    return combined


def grants_of(event: Event) -> dict[str, Grant]:
    """What an event says about consent.

    A `Consent Changed` states it, `Sec-GPC` opts out of sale and ads, and "Unsubscribed" and its like take it back.
    """
    grants: dict[str, Grant] = {}
    if event.gpc:
        refusal = Grant("denied", event.occurred_at, "Sec-GPC")
        grants = {f"{Purpose.SALE}/all": refusal, f"{Purpose.ADS}/all": refusal}
    if event.type == "track" and event.name == CONSENT_CHANGED:
        grants = combine_grants([grants, _stated(event)])
    spec = BY_NAME.get(event.name) if event.type == "track" else None
    if spec is not None and spec.withdraws:
        grants[spec.withdraws] = Grant("denied", event.occurred_at, event.name)
    return grants


def consent_properties(
    purpose: Purpose, channel: str, status: Status, *, at: datetime | None = None, source: str = ""
) -> dict[str, Any]:
    """The properties of the `Consent Changed` event that states this."""
    stated: dict[str, Any] = {"purpose": str(purpose), "channel": channel, "status": status}
    return stated | ({"at": at.isoformat()} if at else {}) | ({"source": source} if source else {})


def _stated(event: Event) -> dict[str, Grant]:
    """Any status but "granted" is a no: a word that cannot be read is never taken for consent."""
    purpose = event.properties.get("purpose")
    if purpose not in set(Purpose):
        return {}
    channel = str(event.properties.get("channel") or "all")
    status: Status = "granted" if event.properties.get("status") == "granted" else "denied"
    source = str(event.properties.get("source") or event.source)
    return {f"{purpose}/{channel}": Grant(status, _stated_at(event), source)}


def _stated_at(event: Event) -> int:
    try:
        at = msgspec.convert(event.properties.get("at"), datetime)
    except msgspec.ValidationError:
        return event.occurred_at
    return min(to_micros(at if at.tzinfo else at.replace(tzinfo=UTC)), event.received_at)


def _order(grant: Grant) -> tuple[int, bool, str]:
    return (grant.at, grant.status == "denied", grant.source)
