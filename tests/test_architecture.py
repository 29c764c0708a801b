"""The rules of docs/architecture.md that a linter cannot see."""

import subprocess
import sys

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
