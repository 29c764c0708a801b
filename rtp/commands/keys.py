"""`rtp keys`."""

import typer

from rtp.commands.output import JsonFlag, console, print_json


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("keys")
    def keys(as_json: JsonFlag = False) -> None:
        """Print the write key (browsers, apps, tills) and the server key (look-ups, decisions, stock)."""
        from rtp.settings import load_settings
        from rtp.stores.keyring import load_keyring

        keyring = load_keyring(load_settings())
        if as_json:
            print_json({"write": keyring.write, "server": keyring.server})
            return
        console.print(f"write   {keyring.write}   sends events: Basic user name, or writeKey in the body")
        console.print(f"server  {keyring.server}   everything else: Authorization: Bearer …")
