"""`rtp identity`: the group that the commands about who is who add themselves to."""

import typer

identity = typer.Typer(no_args_is_help=True, help="Who is who: look at it, undo a merge, link records.")
"""A module with such a command adds it in its own `register`: `identity.command("link")(link)`."""


def register(app: typer.Typer) -> None:
    """Adds the group."""
    app.add_typer(identity, name="identity")
