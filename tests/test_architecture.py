"""The rules of docs/architecture.md that a linter cannot see."""

import re
import subprocess
import sys

from rtp.settings import checkout_root

PROGRAM = """
import importlib, pkgutil, sys
rooms = "signals identity features profile inventory decisioning activation serving worker"
for room in rooms.split():
    package = importlib.import_module("rtp." + room)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
slow = {"dagster", "dbt", "pandas", "feast", "great_expectations"}
print(sorted({name.split(".")[0] for name in sys.modules} & slow))
"""


def test_importing_the_engine_imports_neither_orchestrator_nor_build_tools() -> None:
    """The hot path must start fast and run where Dagster, dbt and pandas are not installed."""
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


LIVE_STREAMS = re.compile(r"\.(tail|newest|read_stream)\(|xrange|xread|stream_key|event_log_redis|record_stream")
SLOW_PATH = (
    "rtp_dagster",
    "dbt_project/models",
    "dbt_project/macros",
    "feature_repo",
    "rtp/optimization",
    "rtp/quality",
)


def test_builds_read_the_archive_and_never_the_live_streams() -> None:
    """What a build takes in can then be built again: a stream is trimmed, the archive is not."""
    files = [
        path for folder in SLOW_PATH for path in (checkout_root() / folder).rglob("*") if path.suffix in {".py", ".sql"}
    ]
    assert len(files) > 50
    assert [str(path) for path in files if LIVE_STREAMS.search(path.read_text())] == []
