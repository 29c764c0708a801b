"""`rtp quality`: are the feeds and the marts fit to be served from?"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtp.clock import system_clock
from rtp.commands.output import JsonFlag, console, print_json, progress_console
from rtp.errors import Rejected
from rtp.settings import Settings, load_settings

if TYPE_CHECKING:
    from rtp.quality.gate import QualityGate
    from rtp.quality.result import CheckResult

Feeds = Annotated[bool, typer.Option("--feeds", help="Only the incoming feeds.")]
Marts = Annotated[bool, typer.Option("--marts", help="Only the published marts.")]
Data = Annotated[Path | None, typer.Option("--data", help="Check the files in this folder; the state stays untouched.")]
Everything = Annotated[bool, typer.Option("--all", help="Also feed files that were accepted before.")]
BaselineOption = Annotated[
    Path | None,
    typer.Option("--baseline", help="With --data: compare with the accepted states here (.rtp/quality/baseline)."),
]
AsOf = Annotated[str, typer.Option("--as-of", help="Judge freshness at this time (ISO 8601) instead of now.")]
Docs = Annotated[Path | None, typer.Option("--docs", help="Where the HTML goes; default .rtp/quality/docs.")]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", help="Declare this feed good as it is: the change that a check refuses is real."),
]
SetAside = Annotated[
    bool,
    typer.Option("--set-aside", help="Take the new files of feeds that are stopped out of the feed, and keep them."),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("quality")
    def quality(
        feeds: Feeds = False,
        marts: Marts = False,
        data: Data = None,
        everything: Everything = False,
        baseline: BaselineOption = None,
        as_of: AsOf = "",
        docs: Docs = None,
        accept: Accept = None,
        set_aside: SetAside = False,
        as_json: JsonFlag = False,
    ) -> None:
        """Check feeds and marts; exit code 0 only if no blocking check failed."""
        now = _moment(as_of) if as_of else system_clock()
        settings = load_settings()
        if accept:
            _accept(settings, accept, now)
            return
        if data:
            gate, results = _check_folder(settings, data, baseline, now)
        else:
            which = {"feeds": feeds or not marts, "marts": marts or not feeds}
            gate, results = _check_state(settings, now, **which, everything=everything)
        moved = gate.set_aside(results) if set_aside and not data else {}
        page = _write_docs(gate, docs or settings.quality_dir / "docs", now)
        for table, folder in moved.items():
            progress_console.print(f"{table}: its new files are now in {folder}; the feed is as it was accepted.")
        raise typer.Exit(_report(results, page, as_json=as_json))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Rejected(
            f"--as-of {text!r} is not a time.",
            reason="NOT_A_TIME",
            hint="Write it as 2026-06-29 or 2026-06-29T12:00:00Z.",
        ) from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _accept(settings: Settings, tables: list[str], now: datetime) -> None:
    from rtp.signals.feeds import contract
    from rtp.wiring import quality_gate

    quality_gate(settings).accept_as_it_is(now, [contract(table).name for table in tables])
    progress_console.print(f"accepted as they are: {', '.join(tables)}")


def _check_state(
    settings: Settings, now: datetime, *, feeds: bool, marts: bool, everything: bool
) -> "tuple[QualityGate, tuple[CheckResult, ...]]":
    from rtp import wiring

    gate, lake = wiring.quality_gate(settings), wiring.lake(settings)
    results: tuple[CheckResult, ...] = ()
    with progress_console.status("checking"):
        if feeds:
            results += gate.check_feeds(now, everything=everything)
        if marts:
            published = {name: lake.mart(name) for name in gate.config.marts if lake.mart(name).exists()}
            results += gate.check_marts(published, now)
    return gate, results


def _check_folder(
    settings: Settings, data: Path, baseline: Path | None, now: datetime
) -> "tuple[QualityGate, tuple[CheckResult, ...]]":
    from rtp.wiring import folder_gate

    with progress_console.status("checking"), folder_gate(settings, data, baseline, now) as gate:
        return gate, gate.check_feeds(now, everything=True)


def _write_docs(gate: "QualityGate", folder: Path, now: datetime) -> Path:
    from rtp.quality.docs import write_docs

    with progress_console.status("writing the Data Docs"):
        return write_docs(gate.checked, folder, now)


def _report(results: "tuple[CheckResult, ...]", page: Path, *, as_json: bool) -> int:
    from rtp.quality.result import blocking

    stops = blocking(results)
    if as_json:
        print_json({"passed": not stops, "docs": str(page), "results": results})
    else:
        _print(results, page)
    return 1 if stops else 0


def _print(results: "tuple[CheckResult, ...]", page: Path) -> None:
    from rtp.quality.result import blocking, by_suite

    for suite, found in by_suite(results).items():
        failed = [result for result in found if not result.passed]
        mark = "[red]stops[/red]" if blocking(found) else "[yellow]warns[/yellow]" if failed else "[green]holds[/green]"
        console.print(f"{mark}  {suite}  {len(found) - len(failed)} of {len(found)} checks hold")
        for result in failed:
            console.print(
                f"       {result.severity}: {result.description}: {result.observed}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            for key in result.failing_keys[:3]:
                console.print(
                    f"         {', '.join(f'{name} {value}' for name, value in key.items())}",
                    markup=False,
                    soft_wrap=True,
                )
    console.print(f"details: {page}", markup=False, soft_wrap=True)
