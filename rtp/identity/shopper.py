"""A shopper as people name one: "type:value". Pure."""

from rtp.errors import Rejected
from rtp.identity.normalize import Spelling, normalize
from rtp.identity.types import Identifier, IdentifierType
from rtp.yaml_config import did_you_mean

TYPES = [kind.value for kind in IdentifierType if kind is not IdentifierType.CUSTOMER_REF] + ["customer_id"]


def read_shopper(shopper: str, spelling: Spelling) -> Identifier | str:
    """The identifier of "type:value", normalized, or the customer id of "customer_id:…". Raises Rejected."""
    kind, _, value = shopper.partition(":")
    if kind not in TYPES or not value:
        raise Rejected(
            "A shopper is named as type:value.",
            reason="BAD_IDENTIFIER",
            field="shopper",
            hint=f"{did_you_mean(kind, TYPES)} For example user_id:2375.",
        )
    if kind == "customer_id":
        return value
    identifier = normalize(IdentifierType(kind), value, spelling=spelling)
    if identifier is None:
        raise Rejected(
            f"This value cannot be a {kind}.", reason="BAD_IDENTIFIER", field="shopper", hint="Check its spelling."
        )
    return identifier
