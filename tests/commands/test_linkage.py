"""`rtp identity link` and `rtp identity review`, as an operator types them."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from rtp.cli import app
from rtp.errors import Rejected
from rtp.stores.lake import Lake
from rtp.stores.linkage_lake import ReviewLink, write_rows
from tests.identity.linkage.people import COLUMNS, people

SAID = "last_name=surname"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """One CSV and one Parquet file of the same people; one column has a name of its own."""
    found = people(100, seed=3, records=(1, 2))
    names = [name.replace("last_name", "surname") for name in COLUMNS]
    rows = [[str(who), *(record[column] for column in COLUMNS)] for who, record in found]
    for name, part in (("till.csv", rows[::2]), ("web.csv", rows[1::2])):
        with (tmp_path / name).open("w", newline="") as file:
            csv.writer(file).writerows([["who", *names], *part])
    web = tmp_path / "web.parquet"
    with duckdb.connect() as connection:
        source = f"read_csv('{tmp_path / 'web.csv'}', all_varchar = true)"
        connection.execute(f"COPY (SELECT * FROM {source}) TO '{web}' (FORMAT parquet)").fetchall()
    return [tmp_path / "till.csv", web]


def test_records_of_several_files_get_the_number_of_their_customer(files: list[Path], tmp_path: Path) -> None:
    out, pairs = tmp_path / "out.parquet", tmp_path / "pairs.csv"
    arguments = [*map(str, files), "--columns", SAID, "--out", str(out), "--pairs", str(pairs), "--json"]
    result = CliRunner().invoke(app, ["identity", "link", *arguments])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT _file, who, customer_number FROM '{out}' ORDER BY _record").fetchall()
        linked = connection.execute(f"SELECT count(*) FROM '{pairs}' WHERE held_back IS NULL").fetchall()
    assert len(rows) == said["records"]
    assert {file for file, *_ in rows} == {"till.csv", "web.parquet"}
    assert len({number for *_, number in rows}) == said["customers"] < said["records"]
    assert linked == [(said["links"],)]
    person = {number: who for number, (_, who, _) in enumerate(rows)}
    wrong = sum(person[number] != who for _, who, number in rows)
    assert wrong / len(rows) < 0.05


def test_a_column_that_is_not_there_is_named(files: list[Path], tmp_path: Path) -> None:
    arguments = [str(files[0]), "--columns", "birth_date=dob", "--out", str(tmp_path / "out.csv")]
    result = CliRunner().invoke(app, ["identity", "link", *arguments])
    assert isinstance(result.exception, Rejected)
    assert "dob" in result.exception.message


def test_what_builds_held_back_is_listed_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTP_STATE_DIR", str(tmp_path))
    found = datetime(2026, 6, 1, tzinfo=UTC)
    held = ReviewLink("till", "7", "web", "9", "conflict", "They would have 2 of user_id.", 12.0, "v1", found)
    write_rows(Lake(tmp_path / "lake"), ReviewLink, [held])
    result = CliRunner().invoke(app, ["identity", "review", "--json"])
    (row,) = json.loads(result.stdout)["heldBack"]
    assert (row["reason"], row["left_ref"], row["right_ref"]) == ("conflict", "7", "9")
    shown = CliRunner().invoke(app, ["identity", "review"])
    assert "till:7" in shown.stdout
