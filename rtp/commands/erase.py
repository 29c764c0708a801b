"""`rtp erase`."""

from typing import TYPE_CHECKING, Annotated

import typer

from rtp.commands.output import JsonFlag, Shopper, console, print_json, run

if TYPE_CHECKING:
    from rtp.profile.erasure import Regulation


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("erase")
    def erase(
        shopper: Shopper = "",
        waiting: Annotated[bool, typer.Option("--waiting", help="Carry out what was requested over HTTP.")] = False,
        as_json: JsonFlag = False,
    ) -> None:
        """Take a shopper out of every place, keep them out, and prove it by a scan of all bytes."""
        done = run(_carry_out(shopper, waiting=waiting))
        if as_json:
            print_json(done)
        else:
            for each in done:
                _show(each)
        if any(each.status != "FINISHED" for each in done):
            raise typer.Exit(1)


async def _carry_out(shopper: str, *, waiting: bool) -> "list[Regulation]":
    from rtp import wiring
    from rtp.errors import Rejected
    from rtp.settings import load_settings

    if bool(shopper) == waiting:
        raise Rejected(
            "Whom to erase?", reason="NO_SHOPPER", hint="Name a shopper (TYPE:VALUE), or pass --waiting alone."
        )
    settings = load_settings()
    async with wiring.redis_opened(settings) as client:
        erasure = wiring.erasure(settings, client)
        if waiting:
            return await erasure.carry_out_waiting()
        return [await erasure.carry_out((await erasure.request(shopper)).regulation_id)]


def _show(regulation: "Regulation") -> None:
    from rich.table import Table

    table = Table(title=f"erasure {regulation.regulation_id}: {regulation.status}", title_justify="left")
    table.add_column("place")
    table.add_column("found", justify="right")
    table.add_column("removed", justify="right")
    table.add_column("what is left to do")
    for each in regulation.places:
        table.add_row(each.place, f"{each.found:,}", f"{each.removed:,}", each.error)
    console.print(table)
