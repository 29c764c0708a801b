"""`rtp load`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtp.commands.output import JsonFlag, console, print_json, progress_console

if TYPE_CHECKING:
    from rtp.signals.feeds.report import LoadReport
    from rtp.stores.feeds.load import Progress

COMPLETE_JOURNEY = "completejourney"

Source = Annotated[
    str, typer.Argument(help="A folder with one .parquet, .csv or .jsonl file per table, or: completejourney.")
]
Shift = Annotated[
    bool,
    typer.Option(
        "--shift-to-yesterday", help="Move all dates of the folder by whole weeks so that they end yesterday."
    ),
]
Original = Annotated[bool, typer.Option("--original-dates", help="completejourney: keep its dates of 2017.")]
Households = Annotated[
    int | None, typer.Option("--households", min=1, help="completejourney: only this many households, drawn by seed.")
]


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("load")
    def load(
        source: Source,
        shift_to_yesterday: Shift = False,
        original_dates: Original = False,
        households: Households = None,
        json: JsonFlag = False,
    ) -> None:
        """Take files into the lake; bad rows go to quarantine, and repeating a load changes nothing."""
        with _watched() as progress:
            if source == COMPLETE_JOURNEY:
                report = _load_completejourney(progress, households, original_dates)
            else:
                report = _load_folder(Path(source), progress, shift_to_yesterday)
        if json:
            print_json(report)
        else:
            _show(report)


def _load_folder(folder: Path, progress: "Progress", shift_to_yesterday: bool) -> "LoadReport":
    from rtp import wiring
    from rtp.clock import system_clock
    from rtp.settings import load_settings
    from rtp.stores.feeds.folder import load_folder

    settings = load_settings()
    return load_folder(
        wiring.lake(settings),
        folder,
        now=system_clock(),
        progress=progress,
        shift_to_yesterday=shift_to_yesterday,
        landing=wiring.landing_check(settings),
    )


def _load_completejourney(progress: "Progress", households: int | None, original_dates: bool) -> "LoadReport":
    from rtp import wiring
    from rtp.clock import system_clock
    from rtp.settings import load_settings
    from rtp.simulation.completejourney.load import load_completejourney

    settings = load_settings()
    return load_completejourney(
        wiring.lake(settings),
        now=system_clock(),
        progress=progress,
        households=households,
        original_dates=original_dates,
        landing=wiring.landing_check(settings),
    )


@contextmanager
def _watched() -> Iterator["Progress"]:
    """One bar a table, on standard error."""
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<18}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeElapsedColumn(), console=progress_console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(table: str, share: float) -> None:
            if table not in tasks:
                tasks[table] = bars.add_task(table, total=1.0)
            bars.update(tasks[table], completed=share)

        yield show


def _show(report: "LoadReport") -> None:
    from rich.table import Table

    table = Table(title="Loaded", title_justify="left")
    table.add_column("table")
    for name in ("read", "loaded", "quarantined", "skipped"):
        table.add_column(name, justify="right")
    table.add_column("remark")
    for one in report.tables:
        done = one.status == "loaded"
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in list(one.reasons.items())[:3])
        made_up = (
            "simulated" if one.simulated else f"simulated: {one.simulated_columns}" if one.simulated_columns else ""
        )
        loaded, skipped = (one.loaded, 0) if done else (0, one.loaded)
        remark = "; ".join(part for part in (reasons, made_up, "" if done else "loaded before") if part)
        table.add_row(one.table, *(f"{number:,}" for number in (one.read, loaded, one.quarantined, skipped)), remark)
    console.print(table)
    for note in report.notes:
        console.print(note)
    if report.ignored_files:
        console.print(f"[yellow]Not a table, left alone:[/yellow] {', '.join(report.ignored_files)}")
    if report.quarantined:
        console.print(
            f"{report.quarantined:,} rows are in quarantine: .rtp/lake/quarantine/<table>/ has line and reason."
        )
