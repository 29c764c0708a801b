"""`rtp demo`."""

from typing import Annotated

import typer

from rtp.commands.output import JsonFlag, console, print_json


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo")(demo)


def demo(
    fast: Annotated[bool, typer.Option("--fast", help="A smaller sample of households and shoppers.")] = False,
    exit_: Annotated[bool, typer.Option("--exit", help="End after the summary; code 1 if a promise broke.")] = False,
    shoppers: Annotated[int | None, typer.Option(help="How many shoppers; 300, or 80 with --fast.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same shoppers.")] = 7,
    as_json: JsonFlag = False,
) -> None:
    """Run the whole loop on the loaded data (The Complete Journey if none is), then go on serving until Ctrl-C."""
    import signal

    from rtp.demo import flow
    from rtp.demo.summary import render
    from rtp.settings import load_settings

    options = flow.DemoOptions(fast=fast, shoppers=shoppers or (80 if fast else 300), seed=seed)
    with flow.demo(load_settings(), options) as summary:
        if as_json:
            print_json(summary.as_json())
        else:
            console.print(render(summary))
        if not exit_:
            console.print("\nServing. Ctrl-C stops everything.")
            signal.pause()
    if not summary.all_held:
        raise typer.Exit(1)
