"""One spelling for each value, by its meaning."""

import duckdb
import pytest

from rtp.errors import Rejected
from rtp.identity.linkage.meanings import Meaning, columns_of
from rtp.identity.linkage.prepare import RECORDS, prepare


@pytest.mark.parametrize(
    ("meaning", "written", "prepared"),
    [
        (Meaning.FIRST_NAME, " Zoë-Ann ", "zoeann"),
        (Meaning.LAST_NAME, "Шевченко", "шевченко"),
        (Meaning.LAST_NAME, "unknown", None),
        (Meaning.LAST_NAME, " ", None),
        (Meaning.BIRTH_DATE, "1971-06-24", "19710624"),
        (Meaning.BIRTH_DATE, "24.6.1971", "19710624"),
        (Meaning.BIRTH_DATE, "19710624", "19710624"),
        (Meaning.EMAIL, " Ann@Shop.Example ", "ann@shop.example"),
        (Meaning.EMAIL, "ann", None),
        (Meaning.PHONE, "+44 (0)7700 900-123", "7700900123"),
        (Meaning.PHONE, "07700 900123", "7700900123"),
        (Meaning.PHONE, "000", None),
        (Meaning.NATIONAL_ID, "AB 12 34", "ab1234"),
    ],
)
def test_values_are_compared_in_one_spelling(meaning: Meaning, written: str, prepared: str | None) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (_record INT, party INT, sealed BOOL, fresh BOOL, v VARCHAR)").fetchall()
        connection.execute("INSERT INTO t VALUES (0, 0, false, true, ?)", [written]).fetchall()
        prepare(connection, "t", {meaning: "v"})
        assert connection.execute(f"SELECT {meaning} FROM {RECORDS}").fetchall() == [(prepared,)]


def test_columns_are_known_by_their_names_or_by_what_is_said() -> None:
    named = columns_of(["first_name", "surname", "dob"], "last_name=surname, birth_date=dob")
    assert named == {Meaning.FIRST_NAME: "first_name", Meaning.LAST_NAME: "surname", Meaning.BIRTH_DATE: "dob"}


@pytest.mark.parametrize(
    ("said", "reason"), [("colour=c", "UNKNOWN_MEANING"), ("city=x", "UNKNOWN_COLUMN"), ("", "TOO_FEW_COLUMNS")]
)
def test_columns_that_cannot_be_meant_are_refused(said: str, reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        columns_of(["first_name", "c"], said)
    assert refused.value.reason == reason
