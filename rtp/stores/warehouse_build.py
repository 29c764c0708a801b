"""Building the warehouse: dbt in a process of its own, on what has changed since the last build."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from rtp.errors import Fatal, Rejected
from rtp.settings import Settings
from rtp.stores.warehouse import Report, dbt_environment, prepare_warehouse, warehouse_lock
from rtp.stores.warehouse_changes import due

BUILD = ("build", "--exclude-resource-type", "unit_test")
"""Unit tests are about the logic, not about this data: the project's own tests run them."""

DBT = "import gc; gc.disable(); from dbt.cli.main import cli; cli()"
"""dbt's program. It makes many small objects that stay, and ends soon: looking for cycles is a tenth of its time."""


class BuildFailure(msgspec.Struct, frozen=True):
    """One model or test that did not hold."""

    name: str
    status: str
    failures: int
    message: str


class BuildResult(msgspec.Struct, frozen=True):
    """What a build did: how many dbt nodes succeeded, warned, and how long each model took."""

    nodes: int
    warnings: int
    seconds: Mapping[str, float]


def build_warehouse(
    settings: Settings,
    *,
    day: date | None = None,
    select: Sequence[str] | None = None,
    full_refresh: bool = False,
    report: Report | None = None,
) -> BuildResult:
    """Builds and tests the models that a change since the last build reaches, under the lock.

    Takes in what is new in the lake; `day` (UTC) is taken anew besides; `full_refresh` forgets and starts over;
    `select` (in dbt's selection syntax) builds these models whether or not anything changed, and no others.
    Raises Rejected naming each model or test that failed, with dbt's own message; nothing is published either way.
    """
    prepare_warehouse(settings)
    with (
        warehouse_lock(settings, report=report),
        due(settings, day=day, whole=full_refresh, partial=bool(select)) as left,
    ):
        if left.nothing:
            return BuildResult(0, 0, {})
        arguments = [*BUILD, *left.arguments]
        if select:
            arguments += ["--select", *select]
        return run_dbt(settings, arguments, day=day)


def run_dbt(settings: Settings, arguments: Sequence[str], *, day: date | None = None) -> BuildResult:
    """Runs one dbt command to its end, in a process of its own so that the file and the memory are free after it.

    The caller holds the lock where the command opens the warehouse.
    """
    target = settings.state_dir / "dbt"
    results, log = target / "run_results.json", settings.logs_dir / "dbt.log"
    results.unlink(missing_ok=True)
    project = settings.root / "dbt_project"
    paths = ["--project-dir", project, "--profiles-dir", project, "--target-path", target]
    command = [sys.executable, "-c", DBT, *arguments, *map(str, paths)]
    command += ["--log-path", str(settings.logs_dir), "--no-use-colors"]
    # Nobody reads what it prints as long as it starts, and each line is made even if it is below the level.
    environment = os.environ | dbt_environment(settings, day) | {"DBT_LOG_LEVEL": "none"}
    done = subprocess.run(command, env=environment, cwd=project, capture_output=True, text=True, check=False)
    if not results.exists():
        said = done.stdout + done.stderr or log.read_text()
        raise Fatal(f"dbt could not start: {_last_lines(said)}", hint=f"See {log}.")
    return _read_results(results, settings)


def _last_lines(text: str, count: int = 6) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-count:])


def _read_results(path: Path, settings: Settings) -> BuildResult:
    results: list[dict[str, Any]] = msgspec.json.decode(path.read_bytes())["results"]
    failed = [_failure(result) for result in results if result["status"] in {"error", "fail", "runtime error"}]
    if failed:
        named = "; ".join(f"{item.name}: {item.message}" for item in failed[:5])
        more = f" (and {len(failed) - 5} more)" if len(failed) > 5 else ""
        raise Rejected(
            f"The warehouse build failed at {len(failed)} of {len(results)} steps: {named}{more}",
            reason="BUILD_FAILED",
            hint=f"What was published before stays. Details: {settings.logs_dir}/dbt.log.",
        )
    return BuildResult(
        nodes=sum(result["status"] in {"success", "pass"} for result in results),
        warnings=sum(result["status"] == "warn" for result in results),
        seconds={
            result["unique_id"].split(".")[-1]: round(float(result["execution_time"]), 3)
            for result in results
            if result["unique_id"].startswith("model.")
        },
    )


def _failure(result: dict[str, Any]) -> BuildFailure:
    kind, _, *name = str(result["unique_id"]).split(".")
    message = " ".join(str(result.get("message") or "").split())
    # A test's unique id ends in a hash after its name; its own name is enough for a person.
    label = name[0] if kind == "test" else name[-1]
    return BuildFailure(label, result["status"], int(result.get("failures") or 0), message[:300])
