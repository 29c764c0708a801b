"""One spelling for each identifier, and the values that identify nobody."""

import re
from functools import lru_cache

import phonenumbers

from rtp.identity.types import Identifier, IdentifierType

DEFAULT_REGION = "US"
"""Country of a phone number written without its country code (ISO 3166)."""
MAX_LENGTH = 254
_BLOCKED = frozenset(
    {"-1", "null", "none", "nil", "nan", "undefined", "anonymous", "unknown", "guest", "n/a", "true", "false",
     "[object object]", "void"}
)  # fmt: skip
_ZEROES = re.compile(r"^[0-]*$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_E164 = re.compile(r"^\+[1-9]\d{7,14}$")


def normalize(kind: IdentifierType, value: object, *, region: str = DEFAULT_REGION) -> Identifier | None:
    """The identifier in its one spelling, or None if the value identifies nobody.

    The blocked values are Segment's: zeroes and dashes, "-1", "null", "anonymous" and their kin.
    """
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if len(text) > MAX_LENGTH or _ZEROES.match(text) or text.lower() in _BLOCKED:
        return None
    if kind is IdentifierType.EMAIL:
        text = text.lower() if _EMAIL.match(text) else ""
    elif kind is IdentifierType.PHONE:
        text = text if _E164.match(text) else _e164(text, region)
    return Identifier(kind, text) if text else None


@lru_cache(maxsize=65_536)
def _e164(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
