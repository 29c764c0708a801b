"""`rtp load` as a person runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from rtp.settings import checkout_root

SAMPLE = checkout_root() / "tests" / "data" / "sample"


def rtp(state: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from rtp.cli import main; main()", "load", *arguments],
        env=os.environ | {"RTP_STATE_DIR": str(state), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_json_is_one_document_with_counts_and_a_repeat_says_skipped(tmp_path: Path) -> None:
    first = rtp(tmp_path, str(SAMPLE), "--json")
    assert first.returncode == 0, first.stderr
    tables = {table["table"]: table for table in json.loads(first.stdout)["tables"]}
    assert tables["order_lines"]["status"] == "loaded"
    assert tables["order_lines"]["read"] == tables["order_lines"]["loaded"] > 5_000
    second = rtp(tmp_path, str(SAMPLE))
    assert "loaded before" in second.stdout
    assert second.returncode == 0


def test_a_mistake_is_one_clear_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "products.csv").write_text("name\nTea\n")
    answer = rtp(tmp_path / "state", str(tmp_path / "in"))
    assert answer.returncode == 1
    assert "products.csv lacks the required column product_id." in answer.stderr
    assert "Traceback" not in answer.stderr
