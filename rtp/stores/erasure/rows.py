"""Whose rows are in a table, by the columns that it has; the same for Parquet files and for the DuckDB file.

Rows about the person go. Lines of sales stay, as the books need them, without saying whose they were. Where other
rows mention the person in a text, the mention is blotted out; a body that was refused goes as a whole.
"""

import re
from collections.abc import Mapping
from typing import Any

import duckdb
import msgspec

from rtp.profile.erasure import Subject

ERASED = "[erased]"
OWN_COLUMNS = ("user_id", "anonymous_id", "email", "phone", "loyalty_id")
REFERENCES = (("source", "customer_ref"), ("left_source", "left_ref"), ("right_source", "right_ref"))
SALES_LINE = {"order_id", "line_id"}
OWNERS = ("customer_id", "customer_ref")


class Cleaning(msgspec.Struct, frozen=True):
    """What to do with one table."""

    rows: int
    """How many rows are about the person or mention them."""
    found: str
    """SQL condition: the row is one of them."""
    gone: str
    """SQL condition: the row is to go."""
    replaced: Mapping[str, str]
    """Column to the SQL expression of its new value, in rows that stay."""


def register(connection: duckdb.DuckDBPyConnection, subject: Subject) -> None:
    """Makes the subject known to the connection, as temporary tables that :func:`cleaning` speaks of."""
    tables: list[tuple[str, str, list[tuple[Any, ...]]]] = [
        ("erased_customer", "id varchar", [(each,) for each in sorted(subject.customer_ids)]),
        ("erased_key", "id varchar", [(each,) for each in sorted(subject.partition_keys)]),
        ("erased_reference", "source varchar, ref varchar", sorted(subject.references)),
        (
            "erased_identifier",
            "type varchar, value varchar",
            sorted((str(each.type), each.value) for each in subject.identifiers),
        ),
    ]
    for name, columns, rows in tables:
        connection.execute(f"create or replace temp table {name} ({columns})")
        if rows:
            marks = ", ".join("?" for _ in rows[0])
            connection.executemany(f"insert into {name} values ({marks})", rows)


def cleaning(connection: duckdb.DuckDBPyConnection, relation: str, subject: Subject) -> Cleaning | None:
    """For a table or a file, as SQL names it; None if it holds nothing about the person."""
    columns, pattern = columns_of(connection, relation), _pattern(subject)
    texts = [name for name, kind in columns.items() if kind in {"VARCHAR", "JSON", "BLOB"}] if pattern else []
    texts = [name for name in texts if _mentioned(connection, relation, name, pattern)]
    bodies = [_mentions(name, pattern) for name in texts if columns[name] == "BLOB"]
    mine = " or ".join(map(_known, [*_owned(columns), *bodies])) or "false"
    found = " or ".join([mine, *(_known(_mentions(name, pattern)) for name in texts)])
    row = connection.execute(f"select count(*) from {relation} where {found}").fetchone()
    if row is None or not row[0]:
        return None
    keeps = set(columns) >= SALES_LINE
    replaced = {
        name: f"regexp_replace(\"{name}\", {pattern}, '{ERASED}', 'g')" for name in texts if columns[name] != "BLOB"
    }
    if keeps:
        replaced |= {name: f'case when {mine} then null else "{name}" end' for name in OWNERS if name in columns}
    return Cleaning(rows=row[0], found=found, gone="false" if keeps else mine, replaced=replaced)


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column to DuckDB type."""
    return {row[0]: row[1] for row in connection.execute(f"describe select * from {relation}").fetchall()}


def _mentioned(connection: duckdb.DuckDBPyConnection, relation: str, name: str, pattern: str) -> bool:
    """Whether any value of a column mentions the person; each distinct one is looked at once."""
    values = f'(select distinct "{name}" from {relation})'
    return bool(connection.execute(f"select 1 from {values} where {_mentions(name, pattern)} limit 1").fetchall())


def _owned(columns: Mapping[str, str]) -> list[str]:
    """Conditions, each of which says that the row is the person's."""
    conditions = []
    if "customer_id" in columns:
        conditions.append("customer_id in (select id from erased_customer)")
    if "partition_key" in columns:
        conditions.append("partition_key in (select id from erased_key)")
    conditions += [
        f"({source}, {ref}) in (select (source, ref) from erased_reference)"
        for source, ref in REFERENCES
        if {source, ref} <= set(columns)
    ]
    if {"identifier_type", "identifier_value"} <= set(columns):
        conditions.append("(identifier_type, identifier_value) in (select (type, value) from erased_identifier)")
    conditions += [
        f"{name} in (select value from erased_identifier where type = '{name}')"
        for name in OWN_COLUMNS
        if columns.get(name) == "VARCHAR"
    ]
    return conditions


def _pattern(subject: Subject) -> str:
    """A regular expression for all traces of the person, as an SQL literal; "" if there are none."""
    alternatives = "|".join(re.escape(each).replace("'", "''") for each in subject.traces)
    return f"'(?i){alternatives}'" if alternatives else ""


def _mentions(name: str, pattern: str) -> str:
    """Of bytes DuckDB's text shows what is ASCII as it is, whatever else there may be."""
    return f'regexp_matches("{name}"::varchar, {pattern})'


def _known(condition: str) -> str:
    return f"coalesce({condition}, false)"
