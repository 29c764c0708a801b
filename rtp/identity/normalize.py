"""One spelling for each identifier, and the values that identify nobody."""

import re
from functools import lru_cache

import msgspec
import phonenumbers

from rtp.identity.types import Identifier, IdentifierType

MAX_LENGTH = 254
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_E164 = re.compile(r"^\+[1-9]\d{7,14}$")
_CARD = re.compile(r"^card_[0-9a-f]{32}$")


class Spelling(msgspec.Struct, frozen=True):
    """How identifiers are read. The blocked values are Segment's, unless config/identity.yaml says otherwise."""

    region: str = "US"
    """Country of a phone number written without its country code (ISO 3166)."""
    blocked: frozenset[str] = frozenset(
        {"-1", "null", "none", "nil", "nan", "undefined", "anonymous", "unknown", "guest", "n/a", "true", "false",
         "[object object]", "void"}
    )  # fmt: skip
    """Values in lower case that stand for nobody."""
    patterns: tuple[re.Pattern[str], ...] = (re.compile(r"^[0-]*$"),)
    """What any value that stands for nobody matches."""

    def blocks(self, text: str) -> bool:
        """True for a value that stands for nobody."""
        return text.lower() in self.blocked or any(pattern.search(text) for pattern in self.patterns)


DEFAULT_SPELLING = Spelling()


def normalize(kind: IdentifierType, value: object, *, spelling: Spelling = DEFAULT_SPELLING) -> Identifier | None:
    """The identifier in its one spelling, or None if the value identifies nobody.

    Of a card only the keyed hash is an identifier (see rtp.identity.cards): its token is never one.
    """
    text = plain(value)
    if not text or len(text) > MAX_LENGTH or spelling.blocks(text):
        return None
    if kind is IdentifierType.EMAIL:
        text = text.lower() if _EMAIL.match(text) else ""
    elif kind is IdentifierType.PHONE:
        text = text if _E164.match(text) else _e164(text, spelling.region)
    elif kind is IdentifierType.CARD:
        text = text if _CARD.match(text) else ""
    return Identifier(kind, text) if text else None


def plain(value: object) -> str:
    """The text of a JSON string or whole number, trimmed; "" for anything else."""
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


@lru_cache(maxsize=65_536)
def _e164(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
