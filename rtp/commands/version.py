"""`rtp version`."""

from importlib.metadata import version

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command("version")
    def show() -> None:
        """Print the installed version."""
        typer.echo(version("rtp"))

    @app.callback()
    def main() -> None:
        """Real-time personalization for omnichannel retailers."""
