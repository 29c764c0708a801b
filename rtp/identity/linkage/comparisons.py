"""How two values of a meaning are compared: Splink comparisons, from equal to different."""

from collections.abc import Collection
from typing import Any

from rtp.identity.linkage.meanings import Meaning
from rtp.identity.linkage.prepare import LOCAL_PART

NAMES = {Meaning.FIRST_NAME: Meaning.LAST_NAME, Meaning.LAST_NAME: Meaning.FIRST_NAME}
LONG = (Meaning.STREET, Meaning.ADDRESS_LINE, Meaning.CITY)
NUMBERS = (Meaning.PHONE, Meaning.NATIONAL_ID, Meaning.POSTCODE)
SHORT = (Meaning.STREET_NUMBER, Meaning.REGION)

Level = tuple[str, str]
"""What it is called in charts, and its condition."""


def comparisons_of(meanings: Collection[Meaning]) -> list[Any]:
    """One comparison a meaning. The levels are the same for every table; how much each counts is learned."""
    return [_comparison(meaning, set(meanings)) for meaning in Meaning if meaning in meanings]


def _comparison(meaning: Meaning, meanings: set[Meaning]) -> Any:
    if meaning in NAMES:
        between = [_near(meaning, 0.92, 1), _near(meaning, 0.8, 2), *_swapped(meaning, meanings)]
    elif meaning is Meaning.BIRTH_DATE:
        between = _birth_date()
    elif meaning is Meaning.EMAIL:
        between = _email()
    elif meaning in LONG:
        between = [_near(meaning, 0.9, 1), _near(meaning, 0.75, 1)]
    elif meaning in NUMBERS:
        between = [_edited(meaning, 1), _edited(meaning, 2)]
    else:
        between = [_edited(meaning, 1)]
    return _levels(meaning, between)


def _levels(meaning: Meaning, between: list[Level]) -> Any:
    """Missing, equal (the rarer the value, the more it counts), the levels between, and different."""
    from splink.internals.comparison_level_library import CustomLevel, ElseLevel, ExactMatchLevel, NullLevel
    from splink.internals.comparison_library import CustomComparison

    column = str(meaning)
    return CustomComparison(
        output_column_name=column,
        comparison_levels=[
            NullLevel(column),
            ExactMatchLevel(column, term_frequency_adjustments=True),
            *(CustomLevel(condition, label_for_charts=label) for label, condition in between),
            ElseLevel(),
        ],
    )


def _edits(column: str) -> str:
    return f"damerau_levenshtein({column}_l, {column}_r)"


def _alike(column: str, other: str) -> str:
    return f"jaro_winkler_similarity({column}_l, {other}_r)"


def _near(column: str, similarity: float, edits: int) -> Level:
    condition = f"{_alike(column, column)} >= {similarity} OR {_edits(column)} <= {edits}"
    return f"alike (Jaro-Winkler {similarity}), or {edits} edited", condition


def _edited(column: str, edits: int) -> Level:
    return f"{edits} edited", f"{_edits(column)} <= {edits}"


def _swapped(meaning: Meaning, meanings: set[Meaning]) -> list[Level]:
    """First and last name in each other's column."""
    other = NAMES[meaning]
    condition = f"{_alike(meaning, other)} >= 0.9 OR {_alike(other, meaning)} >= 0.9"
    return [("in the other name's column", condition)] if other in meanings else []


def _birth_date() -> list[Level]:
    """A slip of one digit; two of year, month and day; near in time; two digits; a year apart; a decade apart."""
    date = str(Meaning.BIRTH_DATE)
    part = [f"substr({date}_l, {start}, 2) = substr({date}_r, {start}, 2)" for start in (5, 7)]
    year, (month, day) = f"left({date}_l, 4) = left({date}_r, 4)", part
    times = (f"try_strptime({date}_{side}, '%Y%m%d')" for side in "lr")
    days = f"abs(date_diff('day', {', '.join(times)}))"
    return [
        _edited(date, 1),
        ("two of year, month, day", f"({year} AND {month}) OR ({month} AND {day}) OR ({year} AND {day})"),
        ("within a month", f"{days} <= 31"),
        _edited(date, 2),
        ("within a year", f"{days} <= 366"),
        ("within ten years", f"{days} <= 3653"),
    ]


def _email() -> list[Level]:
    email = str(Meaning.EMAIL)
    near = f"{_alike(email, email)} >= 0.9 OR {_edits(LOCAL_PART)} <= 1"
    return [
        ("the same before the @", f"{LOCAL_PART}_l = {LOCAL_PART}_r"),
        _edited(email, 2),
        ("alike (Jaro-Winkler 0.9), or 1 edited before the @", near),
        _edited(email, 6),
    ]
