"""`rtp quality` on folders, as CI runs it: five kinds of broken feed stop, the good one passes."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rtp.cli import app
from rtp.errors import Rejected
from rtp.settings import load_settings
from rtp.stores.feeds.folder import load_folder
from rtp.wiring import lake, quality_gate
from tests.quality.conftest import NOW, SAMPLE

Row = dict[str, str]
AS_OF = "2026-06-29"


class Answer:
    """What a run of the command printed and returned."""

    def __init__(self, exit_code: int, output: str) -> None:
        self.exit_code = exit_code
        self.document: dict[str, Any] = json.loads(output)

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [result for result in self.document["results"] if not result["passed"]]


@pytest.fixture
def quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs the command on a state of its own."""
    monkeypatch.setenv("RTP_STATE_DIR", str(tmp_path / "state"))

    def run(*arguments: str) -> Answer:
        done = CliRunner().invoke(app, ["quality", "--json", "--as-of", AS_OF, *arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Answer(done.exit_code, done.stdout)

    return run


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the sample's orders and products that a test may break."""
    folder = tmp_path / "sample"
    folder.mkdir()
    for name in ("order_lines.csv", "products.jsonl"):
        shutil.copy(SAMPLE / name, folder)
    return folder


def rewrite(folder: Path, change: Callable[[int, Row], list[Row]]) -> None:
    """Puts `change(line, row)` in place of every order line."""
    path = folder / "order_lines.csv"
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        for line, row in enumerate(rows, start=2):
            writer.writerows(change(line, row))


def test_the_whole_sample_passes_and_its_pages_are_written(quality: Callable[..., Answer], tmp_path: Path) -> None:
    answer = quality("--data", str(SAMPLE), "--docs", str(tmp_path / "pages"))
    assert (answer.exit_code, answer.failed) == (0, [])
    assert {result["table"] for result in answer.document["results"]} >= {"order_lines", "customers", "events"}
    assert (tmp_path / "pages" / "index.html").exists()
    assert not (tmp_path / "state" / "lake").exists(), "the state stays untouched"


@pytest.mark.parametrize(
    ("change", "column", "key"),
    [
        (
            lambda line, row: [row | {"net_amount": ""} if line % 10 == 0 else row],
            "missing_share",
            {"_file": "order_lines.csv", "_row": "10", "reason": "MISSING_VALUE", "column": "net_amount"},
        ),
        (
            lambda line, row: [row | {"quantity": "two"} if line % 10 == 0 else row],
            "type_share",
            {"_file": "order_lines.csv", "_row": "10", "reason": "NOT_A_NUMBER", "column": "quantity"},
        ),
        (
            lambda line, row: [row] * (2 if line % 10 == 0 else 1),
            "duplicate_share",
            {"_file": "order_lines.csv", "_row": "10", "reason": "DUPLICATE_KEY"},
        ),
        (
            lambda _, row: [row | {"ordered_at": row["ordered_at"].replace("2026-", "2025-")}],
            "hours_since_newest",
            {"table": "order_lines"},
        ),
    ],
    ids=["nulls", "wrong type", "duplicates", "stale"],
)
def test_a_broken_delivery_stops_with_the_lines_at_fault(
    quality: Callable[..., Answer], sample: Path, change: Callable[[int, Row], list[Row]], column: str, key: Row
) -> None:
    rewrite(sample, change)
    answer = quality("--data", str(sample))
    (failed,) = answer.failed
    assert (answer.exit_code, failed["suite"], failed["column"]) == (1, "feeds/order_lines", column)
    assert failed["failing_keys"][0].items() >= key.items()


def test_a_drifted_delivery_stops_against_what_was_accepted_before(
    quality: Callable[..., Answer], sample: Path
) -> None:
    settings = load_settings()
    load_folder(lake(settings), sample, now=NOW)
    gate = quality_gate(settings)
    gate.check_feeds(NOW)
    gate.accept(NOW)
    rewrite(sample, lambda _, row: [row | {"net_amount": str(int(float(row["net_amount"]) * 100))}])
    baseline = str(settings.quality_dir / "baseline")
    assert quality("--data", str(sample)).exit_code == 0, "nothing to compare with"
    answer = quality("--data", str(sample), "--baseline", baseline)
    (failed,) = answer.failed
    assert (answer.exit_code, failed["column"]) == (1, "net_amount")
    assert "divergence" in failed["observed"]


def test_a_delivery_that_stops_can_be_set_aside_and_the_feed_is_as_it_was(
    quality: Callable[..., Answer], sample: Path
) -> None:
    settings = load_settings()
    load_folder(lake(settings), sample, now=NOW)
    gate = quality_gate(settings)
    gate.check_feeds(NOW)
    gate.accept(NOW)
    rewrite(sample, lambda line, row: [row | {"net_amount": "" if line % 3 == 0 else "7000"}])
    load_folder(lake(settings), sample, now=NOW)
    assert quality("--feeds").exit_code == 1
    assert quality("--feeds", "--set-aside").exit_code == 1
    assert quality("--feeds").failed == []
    kept = [path.name for path in lake(settings).set_aside("order_lines").iterdir()]
    assert len(kept) == 2
    assert len(list(lake(settings).feed("order_lines").glob("[!_]*.parquet"))) == 1


def test_a_change_that_is_real_is_accepted_by_name(quality: Callable[..., Answer], sample: Path) -> None:
    settings = load_settings()
    load_folder(lake(settings), sample, now=NOW)
    gate = quality_gate(settings)
    gate.check_feeds(NOW)
    gate.accept(NOW)
    rewrite(sample, lambda _, row: [row | {"net_amount": "7000"}])
    load_folder(lake(settings), sample, now=NOW)
    assert quality("--feeds").exit_code == 1
    assert CliRunner().invoke(app, ["quality", "--accept", "order_lines"]).exit_code == 0
    assert quality("--feeds").exit_code == 0


def test_a_folder_that_a_load_refuses_is_refused_here_with_the_same_words(
    quality: Callable[..., Answer], sample: Path
) -> None:
    (sample / "products.jsonl").unlink()
    with pytest.raises(Rejected, match="no products"):
        quality("--data", str(sample))
    with pytest.raises(Rejected, match="not a time"):
        quality("--as-of", "yesterday")


def test_a_state_without_any_feed_stops(quality: Callable[..., Answer]) -> None:
    answer = quality()
    assert answer.exit_code == 1
    assert {(failed["table"], failed["column"]) for failed in answer.failed} == {
        ("order_lines", "rows"),
        ("products", "rows"),
    }
