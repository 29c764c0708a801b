"""`rtp replay`: live fragments rebuilt from the archive."""

from typing import TYPE_CHECKING, Annotated

import typer

from rtp.commands.output import JsonFlag, console, print_json, progress_console, run

if TYPE_CHECKING:
    from rtp.worker.rebuilding import Rebuilt

_WORDS = {
    "changed": "swapped in, and said anew",
    "same": "had these very bytes",
    "gone": "have expired or were erased",
    "busy": "kept being changed or have effects to carry out: left as they were",
    "differing": "have folded other events than the archive holds: left as they were",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("replay")(replay)


def replay(
    *,
    since: Annotated[str | None, typer.Option("--from", help="2026-11-01, 2026-11-01T08:00Z or 7d (ago).")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Events received before this.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition of the event log.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Fold history anew, after a feature was added or mended: rebuilds live state from the archive and swaps it in.

    Of every shopper with an event received in the window, all of their history is folded. Events that come meanwhile
    are not lost, none counts twice, and nothing that they caused is done again.
    """
    result = run(_replay(since, until, partition, dry_run))
    if as_json:
        print_json(result)
    else:
        _tell(result)
    if not result.complete:
        raise typer.Exit(1)


def _tell(result: "Rebuilt") -> None:
    console.print(f"{result.fragments:,} fragments rebuilt from {result.events:,} archived events:")
    for name, words in _WORDS.items():
        count = getattr(result, name)
        if count:
            console.print(f"  {count:>9,} {'would be changed' if name == 'changed' and result.dry_run else words}")
    if result.customers:
        console.print(f"The live features of {result.customers:,} customers were projected.")
    if not result.complete:
        console.print("Run it again for those left as they were; `rtp status` tells whether a worker runs.")


async def _replay(since: str | None, until: str | None, partition: int | None, dry_run: bool) -> "Rebuilt":
    from contextlib import suppress

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    from rtp import wiring
    from rtp.clock import system_clock, to_micros
    from rtp.commands.times import moment
    from rtp.errors import Retryable
    from rtp.settings import load_settings
    from rtp.worker.assemble import open_archiver, open_rebuilder
    from rtp.worker.rebuilding import Window

    settings, now = load_settings(), to_micros(system_clock())
    partitions = range(settings.partitions) if partition is None else (partition,)
    window = Window(tuple(partitions), moment(since, now=now), moment(until, now=now))
    async with wiring.redis_opened(settings) as client:
        with suppress(Retryable):  # then the worker is archiving just now
            await open_archiver(settings, client).flush()
        columns = (SpinnerColumn(), TextColumn("rebuilding, then comparing"), MofNCompleteColumn(), BarColumn())
        with Progress(*columns, console=progress_console, transient=True) as bar:
            task = bar.add_task("", total=None)
            rebuilder = open_rebuilder(settings, client)
            return await rebuilder.run(window, dry_run=dry_run, progress=lambda count: bar.advance(task, count))
