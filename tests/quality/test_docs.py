"""Results and Data Docs name rows by keys and hold no personal values; the pages fetch nothing from elsewhere."""

import csv
import re
from pathlib import Path

import msgspec
import pytest

from rtp.quality.docs import write_docs
from rtp.settings import Settings
from rtp.wiring import quality_gate
from tests.quality.conftest import NOW, SAMPLE, Deliver

OWN = """
feeds:
  customers:
    expectations:
      - {expect: expect_column_values_to_match_regex, column: email, regex: nobody}
      - {expect: expect_column_values_to_not_match_regex, column: phone, regex: .}
      - {expect: expect_column_distinct_values_to_be_in_set, column: last_name, value_set: [Nobody]}
      - {expect: expect_column_most_common_value_to_be_in_set, column: first_name, value_set: [Nobody]}
      - {expect: expect_column_values_to_be_between, column: street, min_value: 3}
      - {expect: expect_column_max_to_be_between, column: birth_date, max_value: 3}
      - {expect: expect_column_pair_values_to_be_equal, column_A: email, column_B: city}
      - {expect: expect_column_values_to_be_in_set, column: attributes.diet, value_set: [nothing]}
"""


@pytest.mark.usefixtures("accepted")
def test_neither_results_nor_pages_show_a_personal_value(settings: Settings, tmp_path: Path, deliver: Deliver) -> None:
    folder = tmp_path / "config" / "quality"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(OWN)
    deliver("customers", "SELECT * FROM sample UNION ALL SELECT * FROM sample LIMIT 90")
    gate = quality_gate(msgspec.structs.replace(settings, config_dir=tmp_path / "config"))
    results = gate.check_feeds(NOW, ["customers"], everything=True)
    own = [result for result in results if result.place]
    assert len(own) == 8
    assert not any(result.passed for result in own)
    index = write_docs(gate.checked, tmp_path / "docs", NOW)
    pages = "\n".join(page.read_text() for page in index.parent.rglob("*.html"))
    assert "customers.csv" in pages, "the failing rows are named"
    printed = msgspec.json.encode(results).decode()
    for value in personal_values():
        found = re.compile(rf"(?<![\w.-]){re.escape(value)}(?![\w-])")
        assert not found.search(pages), value
        assert not found.search(printed), value


@pytest.mark.usefixtures("accepted")
def test_pages_open_without_a_network_and_replace_the_earlier_ones(settings: Settings, tmp_path: Path) -> None:
    gate = quality_gate(settings)
    gate.check_feeds(NOW)
    write_docs(gate.checked, tmp_path / "docs", NOW)
    (tmp_path / "docs" / "old.html").touch()
    index = write_docs(gate.checked, tmp_path / "docs", NOW)
    assert not (tmp_path / "docs" / "old.html").exists()
    assert [path.name for path in tmp_path.glob(".docs*")] == []
    pages = list(index.parent.rglob("*.html"))
    assert {page.stem for page in pages} >= {"index", "feeds.order_lines", "feeds.products"}
    for page in pages:
        assert not re.search(r"""(src|<link[^>]*href)=["']?https?:|url\(["']?https?:""", page.read_text()), page


def personal_values() -> set[str]:
    """Every name, address, contact and birth date of the sample that is a word of its own."""
    columns = ("email", "phone", "first_name", "last_name", "street", "city", "birth_date", "user_id", "loyalty_id")
    with (SAMPLE / "customers.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    values = {row[column] for row in rows for column in columns}
    assert len(values) > 300
    return {value for value in values if len(value) > 3}
