"""Which pairs of records are worth comparing: many cheap rules, each letting another kind of error through.

A rule gives a record keys, and records that share a key are a pair. Keys that too many records share say little and
cost most, so one bound on how many may share a key keeps the pairs within a budget; rarer keys always count.
"""

from collections.abc import Collection

import duckdb
import msgspec

from rtp.identity.linkage.counting import count
from rtp.identity.linkage.meanings import Meaning
from rtp.identity.linkage.prepare import LOCAL_PART, RECORDS

PAIRS = "linkage_pair"
"""The pairs to compare: l, r (l < r), of which at least one record is fresh and the parties may be one person."""
PAIRS_PER_RECORD = 120
"""The budget, counted before pairs that several rules find are made one."""
MOST_SHARING = 500
"""A key of more records than this is never used, whatever the budget."""

MAY_BE_ONE = "a.party <> b.party AND NOT (a.sealed AND b.sealed)"
"""Parties that are two people already, or one already, need no comparison."""
_KEYS = "linkage_key"
_YEAR, _MONTH, _DAY = (f"substr(birth_date, {start}, {length})" for start, length in ((1, 4), (5, 2), (7, 2)))


class Rule(msgspec.Struct, frozen=True):
    """Records that share a key of this rule are compared."""

    name: str
    keys: str
    """SQL that gives a list of keys; a NULL key is none."""
    needs: frozenset[Meaning]


class Blocking(msgspec.Struct, frozen=True):
    """What blocking came to."""

    pairs: int
    most_sharing: int
    """Keys of more records than this were not used."""
    by_rule: dict[str, int]
    """Pairs each rule proposes, however many others do too."""


def _one(name: str, key: str, *needs: Meaning) -> Rule:
    return Rule(name, f"[{key}]", frozenset(needs))


def _many(name: str, keys: str, *needs: Meaning) -> Rule:
    return Rule(name, keys, frozenset(needs))


def _sorted_pair(one: str, other: str) -> str:
    """The same key whichever of two names stands in which column."""
    return f"least({one}, {other}) || '|' || greatest({one}, {other})"


def _one_character_less(column: str) -> str:
    """The value and all that it could be with one character left out: two values one edit apart share such a key."""
    shorter = f"substr({column}, 1, i - 1) || substr({column}, i + 1)"
    return (
        f"list_distinct(list_append(list_transform(range(1, least(length({column}), 24) + 1), "
        f"lambda i: {shorter}), {column}))"
    )


def _letters_of(column: str) -> str:
    """Its letters once each, sorted: swapped and doubled letters make no difference."""
    return f"list_aggregate(list_sort(list_distinct(string_split({column}, ''))), 'string_agg', '')"


FIRST, LAST, BIRTH, CITY = Meaning.FIRST_NAME, Meaning.LAST_NAME, Meaning.BIRTH_DATE, Meaning.CITY
EMAIL, PHONE, NATIONAL, POSTCODE = Meaning.EMAIL, Meaning.PHONE, Meaning.NATIONAL_ID, Meaning.POSTCODE
STREET, NUMBER = Meaning.STREET, Meaning.STREET_NUMBER

RULES = (
    _many("national id, one edit", _one_character_less("national_id"), NATIONAL),
    _many("phone, one edit", _one_character_less("phone"), PHONE),
    _many("e-mail name, one edit", _one_character_less(LOCAL_PART), EMAIL),
    _one("e-mail", "email", EMAIL),
    _one("start of e-mail", f"left({LOCAL_PART}, 6)", EMAIL),
    _one("e-mail domain", "split_part(email, '@', 2)", EMAIL),
    _one("birth date", "birth_date", BIRTH),
    _many("birth date, one edit, and initial", f"list_transform({_one_character_less('birth_date')}, "
          "lambda d: d || left(first_name, 1))", BIRTH, FIRST),
    _one("first name, birth year", f"left(first_name, 3) || {_YEAR}", FIRST, BIRTH),
    _one("first name, birthday", f"left(first_name, 2) || {_MONTH} || {_DAY}", FIRST, BIRTH),
    _one("last name, birth year", f"left(last_name, 3) || {_YEAR}", LAST, BIRTH),
    _one("last name, birthday", f"left(last_name, 2) || {_MONTH} || {_DAY}", LAST, BIRTH),
    _many("swapped names, birth year", f"list_value(left(last_name, 3) || '/' || {_YEAR}, "
          f"left(first_name, 3) || '/' || {_YEAR})", FIRST, LAST, BIRTH),
    _one("letters of last name, birth year", f"{_letters_of('last_name')} || {_YEAR}", LAST, BIRTH),
    _one("letters of first name, birth year", f"{_letters_of('first_name')} || {_YEAR}", FIRST, BIRTH),
    _one("full name", _sorted_pair("first_name", "last_name"), FIRST, LAST),
    _one("starts of names", _sorted_pair("left(first_name, 3)", "left(last_name, 3)"), FIRST, LAST),
    _one("letters of names", _sorted_pair(_letters_of("first_name"), _letters_of("last_name")), FIRST, LAST),
    _one("first name, start of last name", "first_name || '|' || left(last_name, 2)", FIRST, LAST),
    _one("last name, initial", "last_name || '|' || left(first_name, 1)", FIRST, LAST),
    _one("city, birth month", f"left(city, 3) || {_YEAR} || {_MONTH}", CITY, BIRTH),
    _one("city, birth day", f"left(city, 3) || {_YEAR} || {_DAY}", CITY, BIRTH),
    _one("city, full name", "city || left(first_name, 3) || left(last_name, 3)", CITY, FIRST, LAST),
    _one("postcode, birth year", f"postcode || {_YEAR}", POSTCODE, BIRTH),
    _one("postcode, first name", "postcode || left(first_name, 3)", POSTCODE, FIRST),
    _one("postcode, last name", "postcode || left(last_name, 3)", POSTCODE, LAST),
    _one("street, postcode", "left(street, 12) || postcode", STREET, POSTCODE),
    _one("street, number", "street || '|' || street_number", STREET, NUMBER),
    _one("street, last name", "left(street, 12) || left(last_name, 3)", STREET, LAST),
)  # fmt: skip


def rules_for(meanings: Collection[Meaning]) -> list[Rule]:
    """The rules that a table with these meanings can follow."""
    return [rule for rule in RULES if rule.needs <= set(meanings)]


def block(connection: duckdb.DuckDBPyConnection, meanings: Collection[Meaning]) -> Blocking:
    """Makes PAIRS of RECORDS; says what it came to."""
    rules = rules_for(meanings)
    _make_keys(connection, rules)
    most = _most_sharing(connection)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE linkage_used AS SELECT rule, key FROM {_KEYS} "
        f"GROUP BY rule, key HAVING count(*) BETWEEN 2 AND {most} AND bool_or(fresh)"
    )
    proposed = f"{_KEYS} AS a JOIN {_KEYS} AS b USING (rule, key) SEMI JOIN linkage_used USING (rule, key)"
    wanted = f"a.id < b.id AND (a.fresh OR b.fresh) AND {MAY_BE_ONE}"
    connection.execute(
        f"CREATE OR REPLACE TABLE {PAIRS} AS SELECT DISTINCT a.id AS l, b.id AS r FROM {proposed} WHERE {wanted}"
    )
    counts = dict(
        connection.execute(
            f"SELECT rule, count(*) FROM {proposed} WHERE {wanted} GROUP BY rule ORDER BY ALL"
        ).fetchall()
    )
    pairs = count(connection, f"SELECT count(*) FROM {PAIRS}")
    connection.execute(f"DROP TABLE {_KEYS}; DROP TABLE linkage_used")
    return Blocking(pairs, most, {rule.name: counts.get(number, 0) for number, rule in enumerate(rules)})


def _make_keys(connection: duckdb.DuckDBPyConnection, rules: list[Rule]) -> None:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_KEYS} "
        "(id BIGINT, party BIGINT, sealed BOOLEAN, fresh BOOLEAN, rule UTINYINT, key UBIGINT)"
    )
    for number, rule in enumerate(rules):
        connection.execute(
            f"INSERT INTO {_KEYS} SELECT DISTINCT _record, party, sealed, fresh, {number}, hash(value) FROM "
            f"(SELECT _record, party, sealed, fresh, unnest({rule.keys}) AS value FROM {RECORDS}) "
            "WHERE value IS NOT NULL"
        )


def _most_sharing(connection: duckdb.DuckDBPyConnection) -> int:
    """The largest number of records that may share a key within the budget."""
    most = count(
        connection,
        f"""
        WITH sizes AS (
            SELECT count(*) AS size FROM {_KEYS} GROUP BY rule, key HAVING size BETWEEN 2 AND {MOST_SHARING}
        ),
        costs AS (SELECT size, sum(sum(size * (size - 1) / 2)) OVER (ORDER BY size) AS pairs FROM sizes GROUP BY size)
        SELECT max(size) FROM costs WHERE pairs <= {PAIRS_PER_RECORD} * (SELECT count(*) FROM {RECORDS})
        """,
    )
    return max(2, most)
