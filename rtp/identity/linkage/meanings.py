"""What a column says about a person: all that the linkage is told of a table."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from rtp.errors import Rejected


class Meaning(StrEnum):
    """Meanings that records are compared by."""

    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    BIRTH_DATE = "birth_date"
    """Year first, or year last; any separators."""
    EMAIL = "email"
    PHONE = "phone"
    NATIONAL_ID = "national_id"
    """Any number that one person keeps: social security, tax, passport."""
    STREET = "street"
    """With or without the house number."""
    STREET_NUMBER = "street_number"
    ADDRESS_LINE = "address_line"
    """What does not fit into the street: building, flat, district."""
    CITY = "city"
    POSTCODE = "postcode"
    REGION = "region"
    """State, county, province."""


Columns = Mapping[Meaning, str]
"""The column that holds each meaning."""

PERSONAL = frozenset({Meaning.FIRST_NAME, Meaning.BIRTH_DATE, Meaning.EMAIL, Meaning.NATIONAL_ID})
"""What tells one person from another of the same household."""


def columns_of(names: Sequence[str], said: str = "") -> dict[Meaning, str]:
    """The columns of a table by meaning: those named like a meaning, and those that `said` names.

    `said` is "meaning=column,meaning=column"; it outweighs the names. Raises Rejected for what is not there, and where
    fewer than two meanings are left to compare by.
    """
    found = {meaning: meaning.value for meaning in Meaning if meaning.value in names}
    for part in filter(None, (each.strip() for each in said.split(","))):
        meaning, _, column = (each.strip() for each in part.partition("="))
        if meaning not in set(Meaning):
            raise Rejected(
                f"{meaning!r} is no meaning of a column.", reason="UNKNOWN_MEANING",
                hint=f"Write meaning=column; meanings are: {', '.join(Meaning)}.",
            )  # fmt: skip
        if column not in names:
            raise Rejected(
                f"There is no column {column!r}.", reason="UNKNOWN_COLUMN", hint=f"There are: {', '.join(names)}."
            )
        found[Meaning(meaning)] = column
    if len(found) < 2:
        raise Rejected(
            "Records cannot be compared by fewer than two columns.", reason="TOO_FEW_COLUMNS",
            hint="Say what columns mean, for example --columns first_name=given_name,birth_date=dob.",
        )  # fmt: skip
    return found
