"""What `rtp load DIR` promises, on small files of each format."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rtp.errors import Rejected, Retryable
from rtp.signals.feeds.report import TableLoad
from rtp.stores.feeds import load as load_module
from rtp.stores.feeds.files import FeedFile
from rtp.stores.feeds.folder import load_folder
from rtp.stores.lake import Lake

NOW = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
ORDER_HEADER = "source,order_id,line_id,ordered_at,channel,product_id,quantity,net_amount,returned_quantity"
GOOD_ORDER = "pos,T1,1,2026-06-01T10:00:00Z,store,P1,1,2.50,"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the two required tables, both good."""
    made = tmp_path / "in"
    made.mkdir()
    (made / "products.csv").write_text("product_id,name\nP1,Tea\n")
    (made / "order_lines.csv").write_text(f"{ORDER_HEADER}\n{GOOD_ORDER}\n")
    return made


def load(lake: Lake, folder: Path) -> dict[str, TableLoad]:
    return {report.table: report for report in load_folder(lake, folder, now=NOW).tables}


def rows(lake: Lake, table: str, columns: str = "*") -> list[tuple[object, ...]]:
    return query(
        f"SELECT {columns} FROM read_parquet('{lake.feed(table)}/*.parquet', union_by_name = true) ORDER BY _row"
    )


def refused(lake: Lake, table: str) -> list[tuple[object, ...]]:
    return query(f"SELECT row, reason, \"column\" FROM '{lake.quarantine(table)}/*.parquet' ORDER BY row")


def query(sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def landed(lake: Lake) -> set[str]:
    """Every loaded feed file."""
    return {str(path) for path in lake.root.glob("feeds/*/*.parquet") if path.name != "_schema.parquet"}


def test_a_loaded_row_has_the_types_of_its_contract_and_says_where_it_came_from(lake: Lake, folder: Path) -> None:
    load(lake, folder)
    columns = "ordered_at, quantity, net_amount, store_id, _file, _row, _loaded_at, _simulated"
    [row] = rows(lake, "order_lines", columns)
    assert row[:4] == (datetime(2026, 6, 1, 10, tzinfo=UTC), 1, pytest.approx(2.5), None)
    assert row[4:] == ("order_lines.csv", 2, NOW, False)


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        ("pos,,1,2026-06-01T10:00:00Z,store,P1,1,2.50,", "MISSING_VALUE", "order_id"),
        ("pos,T2,1,yesterday,store,P1,1,2.50,", "NOT_A_TIME", "ordered_at"),
        ("pos,T2,1,infinity,store,P1,1,2.50,", "OUT_OF_RANGE", "ordered_at"),
        ("pos,T2,1,2026-06-01T10:00:00Z,kiosk,P1,1,2.50,", "NOT_ALLOWED", "channel"),
        ("pos,T2,1,2026-06-01T10:00:00Z,store,P1,two,2.50,", "NOT_A_NUMBER", "quantity"),
        ("pos,T2,1,2026-06-01T10:00:00Z,store,P1,-1,2.50,", "OUT_OF_RANGE", "quantity"),
        ("pos,T2,1,2026-06-01T10:00:00Z,store,P1,1,free,", "NOT_AN_AMOUNT", "net_amount"),
        ("pos,T2,1,2026-06-01T10:00:00Z,store,P1,1,99999999999,", "NOT_AN_AMOUNT", "net_amount"),
        ("pos,T2,1,2026-06-01T10:00:00Z,store,P1,1,2.50,3", "RETURNED_MORE_THAN_SOLD", "returned_quantity"),
        ("pos,T2,1,2026-06-01T10:00:00Z,store", "UNREADABLE_LINE", None),
        ("pos,T2,1,2026-06-01T10:00:00Z,store,P1,1,2.50,,extra", "UNREADABLE_LINE", None),
        ("pos,T\xff,1,2026-06-01T10:00:00Z,store,P1,1,2.50,", "NOT_UTF8", None),
    ],
)
def test_a_bad_csv_row_is_quarantined_with_reason_column_and_line(
    lake: Lake, folder: Path, line: str, reason: str, column: str | None
) -> None:
    text = "\n".join([ORDER_HEADER, GOOD_ORDER, "", line, GOOD_ORDER.replace(",T1,", ",T3,")])
    (folder / "order_lines.csv").write_bytes(text.encode("latin-1"))
    report = load(lake, folder)["order_lines"]
    assert (report.read, report.loaded, report.quarantined) == (3, 2, 1)
    assert refused(lake, "order_lines") == [(4, reason, column)]
    assert [row[0] for row in rows(lake, "order_lines", "_row")] == [2, 5]


def test_lines_are_counted_in_the_file_even_where_values_hold_line_breaks(lake: Lake, folder: Path) -> None:
    text = 'product_id,name\nP1,"two\nlines"\nP2\nP3,"three\n\nlines"\n,nameless\n'
    (folder / "products.csv").write_text(text)
    load(lake, folder)
    assert rows(lake, "products", "product_id, _row") == [("P1", 2), ("P3", 5)]
    assert refused(lake, "products") == [(4, "UNREADABLE_LINE", None), (8, "MISSING_VALUE", "product_id")]


def test_a_bad_json_line_is_quarantined_with_its_line(lake: Lake, folder: Path) -> None:
    (folder / "products.csv").unlink()
    lines = ['{"product_id": "P1", "list_price": 1.5}', "{not json", "[1]", '{"product_id": "P2", "list_price": "x"}']
    (folder / "products.jsonl").write_text("\n".join(lines) + "\n")
    load(lake, folder)
    assert refused(lake, "products") == [
        (2, "UNREADABLE_LINE", None),
        (3, "UNREADABLE_LINE", None),
        (4, "NOT_AN_AMOUNT", "list_price"),
    ]
    assert rows(lake, "products", "product_id, _row") == [("P1", 1)]


def test_parquet_numbers_become_ids_and_its_bad_rows_are_quarantined(lake: Lake, folder: Path) -> None:
    (folder / "products.csv").unlink()
    table = pa.table({"product_id": [7.0, 8.0, None], "list_price": [1.005, -1.0, 3.0]})
    pq.write_table(table, folder / "products.parquet")
    load(lake, folder)
    assert [row[0] for row in rows(lake, "products", "product_id")] == ["7"]
    assert refused(lake, "products") == [(2, "OUT_OF_RANGE", "list_price"), (3, "MISSING_VALUE", "product_id")]


def test_of_rows_with_the_same_keys_the_last_stands(lake: Lake, folder: Path) -> None:
    (folder / "products.csv").write_text("product_id,name\nP1,Tea\nP2,Milk\nP1,Green Tea\nP1,Black Tea\n")
    load(lake, folder)
    assert rows(lake, "products", "product_id, name") == [("P2", "Milk"), ("P1", "Black Tea")]
    assert refused(lake, "products") == [(2, "DUPLICATE_KEY", "product_id"), (4, "DUPLICATE_KEY", "product_id")]


def test_a_bad_last_row_does_not_displace_a_good_one(lake: Lake, folder: Path) -> None:
    (folder / "products.csv").write_text("product_id,list_price\nP1,1.00\nP1,cheap\n")
    load(lake, folder)
    assert [row[0] for row in rows(lake, "products", "product_id")] == ["P1"]
    assert refused(lake, "products") == [(3, "NOT_AN_AMOUNT", "list_price")]


def test_a_retailers_own_columns_are_carried_through(lake: Lake, folder: Path) -> None:
    (folder / "products.csv").write_text("product_id;Shelf Life;_row\nP1;12;99\n")
    load(lake, folder)
    assert rows(lake, "products", 'product_id, "shelf life", _row') == [("P1", "12", 2)]


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_a_missing_required_column_stops_the_load_before_anything_lands(
    lake: Lake, folder: Path, file_format: str
) -> None:
    (folder / "order_lines.csv").unlink()
    record = {"source": "pos", "order_id": "T1", "line_id": "1", "ordered_at": "2026-06-01", "channel": "store"}
    target = folder / f"order_lines.{file_format}"
    if file_format == "csv":
        target.write_text(",".join(record) + "\n" + ",".join(record.values()) + "\n")
    elif file_format == "jsonl":
        target.write_text(json.dumps(record))
    else:
        pq.write_table(pa.Table.from_pylist([record]), target)
    with pytest.raises(Rejected, match=rf"order_lines.{file_format} lacks the required column product_id") as caught:
        load(lake, folder)
    assert caught.value.field == f"order_lines.{file_format}:product_id"
    assert landed(lake) == set()


def test_an_unreadable_parquet_file_stops_the_load_and_is_named(lake: Lake, folder: Path) -> None:
    (folder / "stores.parquet").write_bytes(b"PAR1 this is not one")
    with pytest.raises(Rejected, match=r"stores\.parquet cannot be read"):
        load(lake, folder)
    assert landed(lake) == set()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: [path.unlink() for path in folder.iterdir()], "holds no table"),
        (lambda folder: (folder / "products.csv").unlink(), "has no products"),
        (lambda folder: (folder / "products.csv").write_text("product_id\n"), r"products\.csv holds no rows"),
        (lambda folder: (folder / "products.csv").write_text(""), r"products\.csv cannot be read: it has no header"),
        (lambda folder: (folder / "products.csv").write_text("product_id,name\n,a\n"), "all 1 rows were refused"),
        (lambda folder: (folder / "products.jsonl").write_text("{}"), "both the table products"),
    ],
)
def test_an_empty_load_is_one_clear_error(
    lake: Lake, folder: Path, change: Callable[[Path], object], message: str
) -> None:
    change(folder)
    with pytest.raises(Rejected, match=message):
        load(lake, folder)
    assert landed(lake) == set()


def test_later_loads_may_bring_single_tables(lake: Lake, folder: Path) -> None:
    load(lake, folder)
    for path in folder.iterdir():
        path.unlink()
    (folder / "inventory.csv").write_text("store_id,product_id,counted_at,quantity\nS1,P1,2026-06-30T22:00Z,7\n")
    assert load(lake, folder)["inventory"].loaded == 1


def test_repeating_a_load_doubles_nothing(lake: Lake, folder: Path) -> None:
    first, files = load(lake, folder), landed(lake)
    second = load(lake, folder)
    assert landed(lake) == files
    assert [report.status for report in first.values()] == ["loaded", "loaded"]
    assert [(report.status, report.loaded) for report in second.values()] == [("skipped", 1), ("skipped", 1)]


class Killed(BaseException):
    """Stands for a `kill -9`: no handler of the product catches it."""


def test_a_load_that_was_killed_lands_nothing_and_resumes_where_it_stopped(
    lake: Lake, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    real = load_module.relation_of

    def counting(connection: object, file: FeedFile, *rest: object, **named: object) -> object:
        if file.table == "order_lines" and "order_lines" not in checked:
            checked.append(file.table)
            raise Killed
        checked.append(file.table)
        return real(connection, file, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(load_module, "relation_of", counting)
    with pytest.raises(Killed):
        load(lake, folder)
    assert landed(lake) == set()
    load(lake, folder)
    assert checked == ["products", "order_lines", "order_lines"]
    assert len(landed(lake)) == 2
    assert len(rows(lake, "order_lines")) == 1


LOAD_PROGRAM = """
import datetime, pathlib, sys
from rtp.stores.feeds.folder import load_folder
from rtp.stores.lake import Lake
load_folder(Lake(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]), now=datetime.datetime.now(datetime.UTC))
"""


def test_after_kill_9_in_the_middle_nothing_has_landed_and_the_next_load_is_whole(lake: Lake, folder: Path) -> None:
    count = 300_000
    lines = (f"pos,T{number},1,2026-06-01T10:00:00Z,store,P1,1,2.50," for number in range(count))
    (folder / "order_lines.csv").write_text("\n".join([ORDER_HEADER, *lines]) + "\n")
    process = subprocess.Popen([sys.executable, "-c", LOAD_PROGRAM, str(lake.root), str(folder)])
    while process.poll() is None and not list(lake.incoming.glob("feeds/products/[!.]*.parquet")):
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert landed(lake) == set()
    assert load(lake, folder)["order_lines"].loaded == count
    assert len(landed(lake)) == 2
    assert not lake.incoming.exists()


def test_two_loads_at_once_are_refused(lake: Lake, folder: Path) -> None:
    with load_module.only_load(lake), pytest.raises(Retryable, match="Another load is running"):
        load(lake, folder)


def test_events_keep_their_envelope_and_need_type_and_identity(lake: Lake, folder: Path) -> None:
    good = {"type": "track", "event": "Product Viewed", "anonymousId": "a1", "timestamp": "2026-06-01T10:00:00Z"}
    lines = [good, good | {"anonymousId": None}, good | {"type": "purchase"}, good | {"messageId": "m4"}]
    (folder / "events.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    load(lake, folder)
    loaded = rows(lake, "events", "message_id, raw")
    assert [json.loads(str(raw)) for _, raw in loaded] == [lines[0], lines[3]]
    assert loaded[1][0] == "m4"
    assert str(loaded[0][0]).startswith("file-")
    assert refused(lake, "events") == [(2, "NO_IDENTITY", "user_id"), (3, "NOT_ALLOWED", "type")]
