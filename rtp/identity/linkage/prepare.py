"""Values in one spelling, so that what differs in two records differs for a reason. SQL for DuckDB, pure."""

from collections.abc import Callable

import duckdb

from rtp.identity.linkage.meanings import Columns, Meaning
from rtp.signals.feeds.schema_sql import quoted

RECORDS = "linkage_record"
"""The prepared table: _record BIGINT, party BIGINT (records of one party are one person already), sealed BOOLEAN
(two sealed parties are two people), fresh BOOLEAN (not compared before), and one VARCHAR column a meaning."""

LOCAL_PART = "email_local"
PLACEHOLDERS = ("null", "none", "nan", "unknown", "anonymous", "na", "void", "undefined")


def prepare(connection: duckdb.DuckDBPyConnection, relation: str, columns: Columns) -> None:
    """Makes RECORDS from a relation that has _record, party, sealed, fresh and the columns named."""
    chosen = [f"{_SPELLING[meaning](quoted(column))} AS {meaning}" for meaning, column in columns.items()]
    if Meaning.EMAIL in columns:
        local = f"split_part({quoted(columns[Meaning.EMAIL])}, '@', 1)"
        chosen.append(f"{_letters_and_digits(local)} AS {LOCAL_PART}")
    connection.execute(
        f"CREATE OR REPLACE TABLE {RECORDS} AS "
        f"SELECT _record, party, sealed, fresh, {', '.join(chosen)} FROM {relation}"
    )


def _kept(kinds: str, value: str) -> str:
    """The characters of these kinds, in lower case and without accents; NULL where nothing or a placeholder is left."""
    text = f"regexp_replace(strip_accents(lower(CAST({value} AS VARCHAR))), '[^{kinds}]', '', 'g')"
    placeholders = ", ".join(f"'{each}'" for each in PLACEHOLDERS)
    return f"CASE WHEN {text} NOT IN ('', {placeholders}) THEN {text} END"


def _email(value: str) -> str:
    text = f"lower(trim(CAST({value} AS VARCHAR)))"
    return f"CASE WHEN contains({text}, '@') THEN {text} END"


def _phone(value: str) -> str:
    """The last ten digits: without the country's code, which one source writes and another does not."""
    digits = f"ltrim(regexp_replace(CAST({value} AS VARCHAR), '[^0-9]', '', 'g'), '0')"
    return f"CASE WHEN length({digits}) >= 6 THEN right({digits}, 10) END"


def _date(value: str) -> str:
    """Eight digits, the year first."""
    text = f"trim(CAST({value} AS VARCHAR))"
    year_last = r"^(\d{1,2})\D(\d{1,2})\D(\d{4})$"
    turned = (
        f"regexp_extract({text}, '{year_last}', 3) || lpad(regexp_extract({text}, '{year_last}', 2), 2, '0')"
        f" || lpad(regexp_extract({text}, '{year_last}', 1), 2, '0')"
    )
    digits = f"left(regexp_replace({text}, '[^0-9]', '', 'g'), 8)"
    return f"nullif(CASE WHEN regexp_matches({text}, '{year_last}') THEN {turned} ELSE {digits} END, '')"


def _letters(value: str) -> str:
    return _kept(r"\p{L}", value)


def _letters_and_digits(value: str) -> str:
    return _kept(r"\p{L}\p{N}", value)


_SPELLING: dict[Meaning, Callable[[str], str]] = {
    Meaning.FIRST_NAME: _letters,
    Meaning.LAST_NAME: _letters,
    Meaning.BIRTH_DATE: _date,
    Meaning.EMAIL: _email,
    Meaning.PHONE: _phone,
    **dict.fromkeys(
        (
            Meaning.NATIONAL_ID, Meaning.STREET, Meaning.STREET_NUMBER, Meaning.ADDRESS_LINE, Meaning.CITY,
            Meaning.POSTCODE, Meaning.REGION,
        ),
        _letters_and_digits,
    ),
}  # fmt: skip
