"""The policy: what a retailer decides about offers, in config/policy/<name>.yaml."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rtp.decisioning.decision import ActionKind, Channel
from rtp.profile.consent import Purpose
from rtp.yaml_config import mistake, read_config

Chance = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]


class ChannelRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a channel can take."""

    most: Annotated[int, Meta(ge=1, le=100)] = 20
    outbound: bool = False
    """It is sent to somebody, so without the consents in `requires` nothing is."""
    requires: list[Purpose] = []
    exclude_products: list[str] = []


class Intent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chance that a live act alone leads to a purchase: a prior, until outcomes teach the model."""

    viewed: Chance = 0.0
    """Of a product that was looked at."""
    goes_with: Chance = 0.0
    """Of one always bought with what is looked at or in the cart; less as it is bought with it less often."""


class FallbackAction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to show that needs neither stock nor consent."""

    action_id: str
    kind: ActionKind


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One policy; see config/policy/default.yaml for what each field means."""

    name: str
    order_by: Literal["expected_value", "probability"] = "expected_value"
    stock_required: bool = True
    recently_bought_days: Count = 0
    offer_what_is_in_cart: bool = False
    margin_floor_rate: float = 0.0
    default_margin_rate: Annotated[float, Meta(ge=0, le=1)] = 0.25
    ranking_size: Annotated[int, Meta(ge=10, le=1000)] = 300
    moment_minutes: Annotated[int, Meta(ge=1, le=30)] = 30
    intent: Intent = Intent()
    fallback: list[FallbackAction] = []
    channels: dict[Channel, ChannelRule]

    @property
    def version(self) -> str:
        """Name and digest of the content."""
        return f"{self.name}-{hashlib.sha256(msgspec.json.encode(self, order='deterministic')).hexdigest()[:12]}"


def load_policy(path: Path) -> Policy:
    """Reads a policy; raises Fatal with file, line and what to mend."""
    policy = read_config(path, Policy)
    if policy.name != path.stem:
        raise mistake(
            path, ["name"], f"the policy's name is {policy.name!r}.", hint=f"Name it {path.stem!r}, as the file."
        )
    for index, action in enumerate(policy.fallback):
        if action.kind == "product":
            raise mistake(
                path, ["fallback", index, "kind"], "a product needs stock, so it cannot be a fallback.",
                hint="Use content, service or offer.",
            )  # fmt: skip
    return policy
