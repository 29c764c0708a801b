"""`rtp bench`."""

from typing import TYPE_CHECKING, Annotated

import typer

from rtp.commands.output import JsonFlag, console, print_json, progress_console
from rtp.errors import Rejected

if TYPE_CHECKING:
    from rtp.benchmarks.result import BenchResult

Name = Annotated[str, typer.Argument(help="Which benchmark; without it, their names.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
    def bench(context: typer.Context, name: Name = "", json: JsonFlag = False) -> None:
        """Measure a part of the product on this machine; each benchmark has options of its own."""
        from rtp.benchmarks.result import bench_names, run_bench

        if not name:
            print_json(bench_names()) if json else console.print("\n".join(bench_names()))
            return
        with progress_console.status(f"measuring {name}"):
            result = run_bench(name, _options(context.args))
        if json:
            print_json(result)
        else:
            _show(result)


def _options(arguments: list[str]) -> dict[str, str]:
    """`--state-dir X` or `--state-dir=X` as {"state_dir": "X"}."""
    options: dict[str, str] = {}
    remaining = list(arguments)
    while remaining:
        flag = remaining.pop(0)
        if not flag.startswith("--"):
            raise Rejected(f"{flag!r} is not an option.", reason="BAD_OPTION", hint="Write --option value.")
        name, equals, value = flag.removeprefix("--").partition("=")
        if not equals and not remaining:
            raise Rejected(f"{flag} has no value.", reason="BAD_OPTION", hint=f"Write {flag} VALUE.")
        options[name.replace("-", "_")] = value if equals else remaining.pop(0)
    return options


def _show(result: "BenchResult") -> None:
    from rich.table import Table

    from rtp.benchmarks.result import machine

    table = Table(title=f"bench {result.bench}", caption=machine())
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("unit")
    for row in result.rows:
        table.add_row(row.name, f"{row.value:,g}", row.unit)
    for name, ratio in result.ratios.items():
        table.add_row(f"[bold]{name}[/bold]", f"[bold]{ratio:,g}[/bold]", "ratio")
    console.print(table)
