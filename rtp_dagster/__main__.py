"""`python -m rtp_dagster build [--day D] | retrain | job NAME`: runs a job here, on the shared instance."""

import argparse
import contextlib
import os
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import msgspec
from rich.console import Console
from rich.markup import escape

from rtp.errors import Rejected, RtpError
from rtp.services.dagster_home import dagster_home
from rtp.settings import load_settings
from rtp.stores.models import rankers
from rtp_dagster.days import run_tags
from rtp_dagster.execution import create_run, execute
from rtp_dagster.first_start import prepare_storage
from rtp_dagster.progress import Outcome, Telling


def main(arguments: list[str]) -> int:
    """Runs what is asked for; 0 only if it held."""
    asked = _parser().parse_args(arguments)
    # What libraries warn about is for us, not for who builds: the tests turn our own warnings into errors.
    warnings.simplefilter("ignore")
    console = Console(stderr=True, highlight=False)
    try:
        settings = load_settings()
        home = dagster_home(settings)
        os.environ["DAGSTER_HOME"] = str(home)
        prepare_storage(home)
        outcomes = list(_runs(asked, console))
    except RtpError as error:
        console.print(f"[red]error:[/red] {error.message} {error.hint}".rstrip())
        return 1
    if asked.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(outcomes), indent=2).decode() + "\n")
    # A history too short for a first model is told above; what was built is good all the same.
    return 0 if outcomes and outcomes[0].ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rtp_dagster", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print how each run ended as JSON")
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="everything that is new, or one day anew")
    build.add_argument("--day", type=date.fromisoformat, help="YYYY-MM-DD, UTC")
    commands.add_parser("retrain", help="train a ranker")
    job = commands.add_parser("job", help="any job by name")
    job.add_argument("name")
    job.add_argument("--day", type=date.fromisoformat, help="YYYY-MM-DD, UTC")
    return parser


def _runs(asked: argparse.Namespace, console: Console) -> Iterator[Outcome]:
    """The runs one after the other, none after one that failed; a first build also trains the first ranker."""
    from rtp_dagster.definitions import defs

    with dg.DagsterInstance.get() as instance:
        for name in _job_names(asked):
            outcome = _run(defs, instance, name, getattr(asked, "day", None), console)
            yield outcome
            if not outcome.ok:
                return


def _job_names(asked: argparse.Namespace) -> list[str]:
    if asked.command == "job":
        return [asked.name]
    if asked.command == "retrain":
        return ["retrain"]
    return ["refresh"] if rankers(load_settings().models_dir).current() else ["refresh", "retrain"]


def _run(defs: dg.Definitions, instance: dg.DagsterInstance, name: str, day: date | None, console: Console) -> Outcome:
    job = _job(defs, name)
    tags = run_tags(day, datetime.now(tz=UTC).date()) if job.partitions_def else {}
    console.print(f"[bold]{name}[/bold] [dim]{' '.join(f'{key}={value}' for key, value in tags.items())}[/dim]")
    run = create_run(job, instance, tags)
    telling = Telling(run, lambda line: console.print(f"  {line}", soft_wrap=True))
    # dbt's own words go where its log is: standard output belongs to --json.
    with _log(instance, run).open("w") as log, contextlib.redirect_stdout(log):
        outcome = telling.follow(execute(job, run, instance), time.monotonic)
    _conclude(outcome, console)
    return outcome


def _log(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Path:
    folder = Path(instance.storage_directory()) / run.run_id
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "output.log"


def _conclude(outcome: Outcome, console: Console) -> None:
    counts = f"{outcome.materialized} assets, {outcome.checks_passed} checks passed"
    if outcome.ok:
        failed = f", [yellow]{len(outcome.checks_failed)} warned[/yellow]" if outcome.checks_failed else ""
        console.print(f"[green]{outcome.job} done[/green]: {counts}{failed}, {outcome.seconds:.1f} s")
    else:
        console.print(f"[red]error:[/red] {outcome.job} stopped: {escape(outcome.error)}", soft_wrap=True)


def _job(defs: dg.Definitions, name: str) -> dg.JobDefinition:
    known = sorted(job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__"))
    if name not in known:
        raise Rejected(f"There is no job {name!r}.", reason="UNKNOWN_JOB", hint=f"Jobs: {', '.join(known)}.")
    return defs.resolve_job_def(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
