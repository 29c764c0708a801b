"""`rtp profile`."""

from typing import Annotated, Any

import typer

from rtp.commands.output import JsonFlag, console, print_json


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("profile")
    def profile(
        shopper: Annotated[str, typer.Argument(metavar="TYPE:VALUE", help="For example user_id:2375.")],
        as_json: JsonFlag = False,
    ) -> None:
        """Show one shopper by any identifier: features, identifiers, consent."""
        from urllib.parse import quote

        from rtp.commands.api import call_api

        found = call_api("GET", f"/v1/profiles/{quote(shopper, safe=':')}")
        if as_json:
            print_json(found)
        else:
            _show(found)


def _show(profile: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(title=f"customer {profile['customerId']}", show_header=False, title_justify="left")
    for kind, values in profile["identifiers"].items():
        table.add_row(kind, ", ".join(values))
    for grant in profile["consent"]:
        table.add_row(f"consent {grant['purpose']}/{grant['channel']}", f"{grant['status']} ({grant['source']})")
    for view, features in profile["features"].items():
        table.add_section()
        for name, value in features.items():
            if value is not None:
                table.add_row(f"{view}:{name}", str(value))
    console.print(table)
