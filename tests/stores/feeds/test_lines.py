"""Line numbers of CSV records, against Python's own csv reader."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp.stores.feeds import text_rows

WIDTH = 3
CELLS = st.text(alphabet='ab,"\n é', max_size=6)
GOOD = st.lists(CELLS, min_size=WIDTH, max_size=WIDTH)
BAD = st.lists(CELLS.filter(bool), min_size=4, max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(GOOD, GOOD, BAD), max_size=60), st.sampled_from([256, 1 << 20]))
def test_every_record_keeps_the_line_it_began_at(records: list[list[str]], block: int) -> None:
    with TemporaryDirectory() as folder, patch.object(text_rows, "BLOCK", block):
        path, target = Path(folder) / "rows.csv", Path(folder) / "rows.parquet"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *records])
        staged = text_rows.stage_csv(path, target, lambda _share: None)
        expected = starts(path)
        read = {row["_row"]: [row["a"], row["b"], row["c"]] for row in pq.read_table(target).to_pylist()}
        assert read == {line: record for line, record in expected.items() if len(record) == WIDTH}
        assert [line for line, _ in staged.unreadable] == [
            line for line, record in expected.items() if len(record) != WIDTH
        ]


def starts(path: Path) -> dict[int, list[str]]:
    """Each record by the line it begins at."""
    with path.open(newline="", encoding="utf-8") as file:
        reader, begin, found = csv.reader(file), 1, {}
        for record in reader:
            found[begin] = record
            begin = reader.line_num + 1
    del found[1]
    return found
