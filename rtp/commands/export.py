"""`rtp export`."""

from pathlib import Path
from typing import Annotated

import typer

from rtp.commands.output import JsonFlag, Shopper, console, print_json


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("export")
    def export(
        shopper: Shopper,
        out: Annotated[
            Path | None, typer.Option("--out", help="Write to this file, readable by its owner only.")
        ] = None,
        as_json: JsonFlag = False,
    ) -> None:
        """Give a shopper everything that is held about them, as one JSON document."""
        import msgspec

        from rtp.commands.api import call_api, in_path
        from rtp.stores.lake import write_private

        found = call_api("GET", f"/v1/profiles/{in_path(shopper)}/export")
        if out is None:
            print_json(found)
            return
        write_private(out, msgspec.json.format(msgspec.json.encode(found), indent=2))
        counts = {name: len(found[name]) for name in ("events", "orders", "decisions", "activations")}
        if as_json:
            print_json(counts)
        else:
            console.print(f"{out}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))
