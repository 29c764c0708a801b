"""Of tables, whatever their columns: the person's rows go, sales stay as nobody's, mentions are blotted out."""

from pathlib import Path

import duckdb
import pytest

from rtp.identity.types import Identifier, IdentifierType
from rtp.profile.erasure import Subject
from rtp.stores.erasure.lake import LakeFiles

ANN = Subject(
    identifiers=frozenset(
        {Identifier(IdentifierType.EMAIL, "ann@example.com"), Identifier(IdentifierType.USER_ID, "7")}
    ),
    customer_ids=frozenset({"c-ann-0001"}),
    partition_keys=frozenset({"p-ann-0001"}),
    references=frozenset({("shop", "7")}),
    texts=frozenset({"1 Ann's Street"}),
)


async def left(folder: Path, select: str) -> tuple[int, list[tuple[object, ...]]]:
    path = folder / "table.parquet"
    duckdb.sql(f"copy ({select}) to '{path}' (format parquet)")
    found = await LakeFiles("lake", folder).erase(ANN)
    assert await LakeFiles("lake", folder).erase(ANN) == 0
    return found, duckdb.sql(f"from read_parquet('{path}')").fetchall()


@pytest.mark.parametrize(
    ("columns", "mine", "other"),
    [
        ("customer_id, orders", "('c-ann-0001', 3)", "('c-bob-0001', 4)"),
        ("source, customer_ref", "('shop', '7')", "('till', '7')"),
        ("right_source, right_ref", "('shop', '7')", "('till', '7')"),
        ("partition_key, type", "('p-ann-0001', 'track')", "('p-bob-0001', 'track')"),
        ("identifier_type, identifier_value", "('user_id', '7')", "('loyalty_id', '7')"),
        ("user_id, city", "('7', 'Bonn')", "('8', 'Bonn')"),
        ("body", '(\'{"email": "Ann@Example.com"}\'::blob)', '(\'{"email": "bob@example.com"}\'::blob)'),
    ],
)
async def test_rows_of_the_person_go(tmp_path: Path, columns: str, mine: str, other: str) -> None:
    found, rows = await left(tmp_path, f"from (values {mine}, {other}) as t({columns})")
    assert (found, len(rows)) == (1, 1)
    assert rows == duckdb.sql(f"from (values {other})").fetchall()


async def test_a_sale_stays_without_whose_it_was(tmp_path: Path) -> None:
    lines = "('o1', 'l1', 'shop', '7', 5), ('o2', 'l1', 'shop', '8', 6)"
    found, rows = await left(tmp_path, f"from (values {lines}) as t(order_id, line_id, source, customer_ref, amount)")
    assert found == 1
    assert rows == [("o1", "l1", "shop", None, 5), ("o2", "l1", "shop", "8", 6)]


async def test_a_mention_in_somebody_elses_row_is_blotted_out(tmp_path: Path) -> None:
    row = '(\'c-bob-0001\', \'{"email": "ann@example.com", "to": "1 Ann\'\'s Street"}\')'
    found, rows = await left(tmp_path, f"from (values {row}) as t(customer_id, properties)")
    assert found == 1
    assert rows == [("c-bob-0001", '{"email": "[erased]", "to": "[erased]"}')]


async def test_a_file_without_the_person_is_not_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    duckdb.sql(f"copy (select 'c-bob-0001' as customer_id) to '{path}' (format parquet)")
    before = path.stat()
    assert await LakeFiles("lake", tmp_path).erase(ANN) == 0
    assert path.stat().st_mtime_ns == before.st_mtime_ns
